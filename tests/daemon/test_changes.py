# SPDX-License-Identifier: BSD-3-Clause
"""What the methods do, without a data plane."""

import copy
import os
import pathlib
import time

from harness import POLICY, DaemonCase, Fake, Refused, main


class Policy(DaemonCase):
    def test_get_is_what_was_applied(self):
        client = self.client()
        answer = client.ask("policy.apply", policy=POLICY, reason="first")
        self.assertEqual((answer["generation"], answer["workers"]), (1, 0))
        self.assertGreater(answer["took_us"], 0)
        got = client.ask("policy.get")
        self.assertEqual(got["generation"], 1)
        salt = got["policy"].pop("salt")
        self.assertRegex(salt, "^[0-9a-f]{32}$")
        self.assertEqual(got["policy"], POLICY)

    def test_check_changes_nothing(self):
        client = self.client()
        answer = client.ask("policy.check", policy=POLICY)
        self.assertEqual({key: answer[key] for key in ("rules", "services", "sets", "entries")},
                         {"rules": 2, "services": 1, "sets": 1, "entries": 1})
        self.assertGreater(answer["bytes"], 0)
        self.assertEqual(answer["origins"], 2)
        self.assertEqual(client.ask("policy.get")["generation"], 0)

    def test_errors_name_their_place(self):
        cases = [
            (("rules", 1, "admit"), "101%", "INVALID", "policy.rules[1].admit"),
            (("rules", 1, "colour"), "red", "UNKNOWN_FIELD", "policy.rules[1].colour"),
            (("rules", 1, "service"), "back", "INVALID", "policy.rules[1].service"),
            (("rules", 0, "origin"), None, "INVALID", "policy.rules[0].origin"),
            (("sets", "partners", "entries", 0), "10.0.0.1/8", "INVALID",
             "policy.sets.partners.entries[0]"),
            (("schema",), 2, "INVALID", "policy.schema"),
            (("surprise",), 2, "UNKNOWN_FIELD", "policy.surprise"),
        ]
        client = self.applied()
        for place, value, code, path in cases:
            policy = copy.deepcopy(POLICY)
            at = policy
            for key in place[:-1]:
                at = at[key]
            at[place[-1]] = value
            for method in ["policy.check", "policy.apply"]:
                with self.subTest(method=method, place=place):
                    error = self.refused(code, path, client, method, policy=policy)
                    self.assertEqual(error.number, -32602)
                    self.assertEqual(error.generation, 1)
        covered = copy.deepcopy(POLICY)
        covered["rules"].append({"name": "never", "service": "front", "admit": "1%"})
        for method in ["policy.check", "policy.apply"]:
            self.refused("INVALID", "policy.rules[2]", client, method, policy=covered)
        self.assertEqual(client.ask("policy.get")["generation"], 1)

    def test_a_missing_feed_is_named(self):
        os.mkdir(self.state("feeds"))
        policy = dict(POLICY, origins={"feeds": [{"type": "csv", "file": "no.csv"}],
                                       "groups": POLICY["origins"]["groups"]})
        error = self.refused("DEGRADED", "no.csv", self.client(), "policy.apply", policy=policy)
        self.assertEqual(error.number, -32000)

    def test_feeds_are_looked_at_when_a_policy_is_applied(self):
        os.mkdir(self.state("feeds"))
        policy = dict(POLICY, origins={"feeds": [{"type": "csv", "file": "one.csv"}],
                                       "groups": POLICY["origins"]["groups"]})
        client, feed = self.client(), self.state("feeds/one.csv")
        pathlib.Path(feed).write_text("192.0.2.0/24,DE,\n")
        client.ask("policy.apply", policy=policy)
        pathlib.Path(feed).write_text("this is no feed\n")
        client.ask("rule.admit", rule="front", admit="10%")
        self.assertEqual(self.country(client), "DE")
        self.refused("INVALID", "one.csv:1", client, "policy.apply", policy=policy)
        pathlib.Path(feed).write_text("192.0.2.0/24,FR,\n")
        client.ask("rule.admit", rule="front", admit="20%")
        self.assertEqual(self.country(client), "DE")
        client.ask("policy.apply", policy=policy)
        self.assertEqual(self.country(client), "FR")

    def test_feeds_are_looked_at_so_after_a_restart_too(self):
        os.mkdir(self.state("feeds"))
        policy = dict(POLICY, origins={"feeds": [{"type": "csv", "file": "one.csv"}],
                                       "groups": POLICY["origins"]["groups"]})
        feed = pathlib.Path(self.state("feeds/one.csv"))
        whole = "192.0.2.0/24,DE,\n" + "".join(
            f"10.{i >> 8}.{i & 255}.0/25,{'BE' if i % 2 else 'AT'},\n" for i in range(1000))
        feed.write_text(whole)
        self.client().ask("policy.apply", policy=policy)
        cases = [("this is no feed\n", "INVALID", "one.csv:1"),
                 ("192.0.2.0/24,FR,\n", "GUARD", "policy.origins.feeds")]
        for text, code, path in cases:
            with self.subTest(code):
                feed.write_text(text)
                self.restart()
                client = self.client()
                client.ask("rule.admit", rule="front", admit="10%")
                client.ask("set.add", set="blocked", verdict="block", entries=["10.0.0.1"])
                for asked in [policy, policy | {"rules": POLICY["rules"][:1]}]:
                    self.refused(code, path, client, "policy.apply", policy=asked)
                self.assertEqual(self.country(client), "DE")
        feed.write_text(whole.replace("DE", "FR"))
        self.restart()
        client = self.client()
        client.ask("rule.admit", rule="front", admit="20%")
        self.assertEqual(self.country(client), "DE")
        client.ask("policy.apply", policy=policy)
        self.assertEqual(self.country(client), "FR")
        feed.unlink()
        self.restart()
        client = self.client()
        client.ask("policy.apply", policy=policy)
        self.assertEqual(self.country(client), "FR")

    def country(self, client):
        return client.ask("explain", source="192.0.2.1", destination="198.18.0.1")["origin"]

    def test_blocked_is_kept(self):
        client = self.applied()
        client.ask("set.add", set="blocked", verdict="block", entries=[
            "10.0.0.1", {"prefix": "10.0.0.2", "ttl": "1h", "reason": "scan"}])
        answer = client.ask("policy.apply", policy=POLICY)
        self.assertEqual(answer["kept"], {"blocked": 2})
        entries = client.ask("set.list", set="blocked")["entries"]
        self.assertEqual(entries[0], "10.0.0.1")
        self.assertEqual((entries[1]["prefix"], entries[1]["reason"]), ("10.0.0.2", "scan"))
        own = dict(POLICY, sets={"blocked": {"verdict": "block", "entries": []}})
        self.assertNotIn("kept", client.ask("policy.apply", policy=own))
        self.assertEqual(client.ask("set.list", set="blocked")["total"], 0)

    def test_salt_is_one_s_own_and_stays(self):
        client = self.applied()
        salt = client.ask("policy.get")["policy"]["salt"]
        given = "000102030405060708090a0b0c0d0e0f"
        client.ask("policy.apply", policy=dict(POLICY, salt=given))
        self.assertEqual(client.ask("policy.get")["policy"]["salt"], given)
        client.ask("policy.apply", policy=POLICY)
        self.assertEqual(client.ask("policy.get")["policy"]["salt"], salt)


class Sets(DaemonCase):
    def setUp(self):
        super().setUp()
        self.admin = self.applied()

    def entries(self, name="partners"):
        return self.admin.ask("set.list", set=name)["entries"]

    def test_add_and_remove(self):
        ask = self.admin.ask
        self.assertEqual(ask("set.add", set="partners", entries=["10.0.0.0/8", "2001:db8::/32"])
                         ["changed"], 2)
        self.assertEqual(ask("set.add", set="partners", entries=["10.0.0.0/8"])["changed"], 0)
        self.assertEqual(self.entries(), ["10.0.0.0/8", "203.0.113.0/24", "2001:db8::/32"])
        self.assertEqual(ask("set.remove", set="partners", prefixes=["10.0.0.0/8", "10.0.0.0/9"])
                         ["changed"], 1)
        self.assertEqual(ask("set.remove", set="partners", prefixes=[])["changed"], 0)
        self.assertEqual(self.entries(), ["203.0.113.0/24", "2001:db8::/32"])

    def test_replace(self):
        answer = self.admin.ask("set.replace", set="partners", entries=["10.0.0.1", "10.0.0.2"])
        self.assertEqual(answer["changed"], 3)
        answer = self.admin.ask("set.replace", set="partners", entries=["10.0.0.2"])
        self.assertEqual(answer["changed"], 1)
        self.assertEqual(self.entries(), ["10.0.0.2"])
        self.assertEqual(self.admin.ask("set.replace", set="partners", entries=[])["changed"], 1)
        self.assertEqual(self.entries(), [])

    def test_new_set(self):
        self.admin.ask("set.add", set="bots", verdict="block", entries=["10.0.0.1"])
        self.assertEqual(self.admin.ask("set.list"), {"sets": [
            {"name": "partners", "verdict": "allow", "entries": 1},
            {"name": "bots", "verdict": "block", "entries": 1}]})

    def test_list_in_pages(self):
        prefixes = [f"10.{i // 256}.{i % 256}.0/24" for i in range(2500)]
        self.admin.ask("set.replace", set="partners", entries=prefixes)
        page = self.admin.ask("set.list", set="partners")
        self.assertEqual((page["total"], len(page["entries"])), (2500, 1000))
        got = []
        while len(got) < 2500:
            got += self.admin.ask("set.list", set="partners", offset=len(got),
                                  limit=700)["entries"]
        self.assertEqual(got, prefixes)
        self.assertEqual(self.admin.ask("set.list", set="partners", offset=2500)["entries"], [])
        self.assertEqual(self.admin.ask("set.list", set="partners", limit=0)["entries"], [])

    def test_expired_entries_leave(self):
        self.admin.ask("set.add", set="partners", entries=[
            {"prefix": "10.0.0.1", "expires": "2020-01-01T00:00:00Z"},
            {"prefix": "10.0.0.2", "ttl": "1s"}])
        deadline = time.monotonic() + 30
        while self.admin.ask("set.list", set="partners")["total"] > 1:
            self.assertLess(time.monotonic(), deadline)
        self.admin.ask("set.add", set="partners", entries=["10.0.0.3"])
        policy = self.admin.ask("policy.get")["policy"]
        self.assertEqual(policy["sets"]["partners"]["entries"], ["10.0.0.3", "203.0.113.0/24"])

    def test_refusals(self):
        cases = [
            ("set.add", {"set": "no", "entries": ["10.0.0.1"]}, "INVALID", "set"),
            ("set.add", {"set": "a b", "entries": ["10.0.0.1"], "verdict": "block"}, "INVALID",
             "set"),
            ("set.add", {"set": "new", "entries": ["10.0.0.1"], "verdict": "burn"}, "INVALID",
             "verdict"),
            ("set.add", {"set": "partners", "entries": ["10.0.0.1"], "verdict": "block"},
             "INVALID", "verdict"),
            ("set.add", {"set": "partners", "entries": ["10.0.0.0/8", "10.0.0.1/8"]}, "INVALID",
             "entries[1]"),
            ("set.add", {"set": "partners", "entries": [7]}, "INVALID", "entries[0]"),
            ("set.add", {"set": "partners", "entries": [{}]}, "INVALID", "entries[0].prefix"),
            ("set.add", {"set": "partners", "entries": [{"prefix": "10.0.0.1", "ttl": "x"}]},
             "INVALID", "entries[0].ttl"),
            ("set.add", {"set": "partners", "entries": [{"prefix": "10.0.0.1", "x": "x"}]},
             "UNKNOWN_FIELD", "entries[0].x"),
            ("set.remove", {"set": "no", "prefixes": []}, "INVALID", "set"),
            ("set.remove", {"set": "partners", "prefixes": ["10.0.0.1/8"]}, "INVALID",
             "prefixes[0]"),
            ("set.remove", {"set": "partners", "prefixes": [{}]}, "INVALID", "prefixes[0]"),
            ("set.replace", {"set": "no", "entries": []}, "INVALID", "set"),
            ("set.replace", {"set": "partners", "entries": ["x"]}, "INVALID", "entries[0]"),
            ("set.list", {"set": "no"}, "INVALID", "set"),
        ]
        for method, params, code, path in cases:
            with self.subTest(method=method, params=params):
                self.refused(code, path, self.admin, method, **params)
        self.assertEqual(self.admin.ask("policy.get")["generation"], 1)


class Rules(DaemonCase):
    def setUp(self):
        super().setUp()
        self.admin = self.applied()

    def rule(self, name):
        rules = self.admin.ask("policy.get")["policy"]["rules"]
        return next(rule for rule in rules if rule["name"] == name)

    def test_admit(self):
        self.admin.ask("rule.admit", rule="front", admit="12.34%")
        self.assertEqual(self.rule("front")["admit"], "12.34%")

    def test_limit(self):
        self.admin.ask("rule.limit", rule="front",
                       limit={"source": {"pps": "2k", "burst": 4000}, "rule": {"bps": "8G"}})
        self.assertEqual(self.rule("front")["limit"],
                         {"source": {"pps": "2k", "burst": "4k"}, "rule": {"bps": "8G"}})
        self.admin.ask("rule.limit", rule="front", limit={"source": None})
        self.assertEqual(self.rule("front")["limit"], {"rule": {"bps": "8G"}})
        self.admin.ask("rule.limit", rule="front", limit={"rule": None})
        self.assertNotIn("limit", self.rule("front"))

    def test_refusals(self):
        cases = [
            ("rule.admit", {"rule": "no", "admit": "1%"}, "INVALID", "rule"),
            ("rule.admit", {"rule": "front", "admit": "1"}, "INVALID", "admit"),
            ("rule.admit", {"rule": "front", "admit": "1.234%"}, "INVALID", "admit"),
            ("rule.admit", {"rule": "front", "admit": 5}, "INVALID", "admit"),
            ("rule.limit", {"rule": "no", "limit": {"source": None}}, "INVALID", "rule"),
            ("rule.limit", {"rule": "front", "limit": {}}, "INVALID", "limit"),
            ("rule.limit", {"rule": "front", "limit": {"host": None}}, "UNKNOWN_FIELD",
             "limit.host"),
            ("rule.limit", {"rule": "front", "limit": {"source": {}}}, "INVALID",
             "limit.source"),
            ("rule.limit", {"rule": "front", "limit": {"source": {"pps": 0}}}, "INVALID",
             "limit.source.pps"),
            ("rule.limit", {"rule": "front", "limit": {"source": None, "rule": {"x": 1}}},
             "UNKNOWN_FIELD", "limit.rule.x"),
        ]
        for method, params, code, path in cases:
            with self.subTest(method=method, params=params):
                self.refused(code, path, self.admin, method, **params)
        self.assertEqual(self.admin.ask("policy.get")["generation"], 1)


class Transactions(DaemonCase):
    def setUp(self):
        super().setUp()
        self.admin = self.applied()

    def test_one_generation(self):
        ask, other = self.admin.ask, self.client()
        self.assertEqual(ask("set.add", set="partners", entries=["10.0.0.1"], more=True),
                         {"staged": 1})
        self.assertEqual(ask("set.add", set="partners", entries=["10.0.0.2"], more=True),
                         {"staged": 2})
        self.assertEqual(other.ask("set.list", set="partners")["total"], 1)
        answer = ask("rule.admit", rule="front", admit="1%")
        self.assertEqual((answer["generation"], answer["changed"]), (2, 2))
        policy = other.ask("policy.get")
        self.assertEqual(policy["generation"], 2)
        self.assertEqual(len(policy["policy"]["sets"]["partners"]["entries"]), 3)
        self.assertEqual(policy["policy"]["rules"][1]["admit"], "1%")

    def test_a_refused_part_leaves_the_others(self):
        ask = self.admin.ask
        ask("rule.admit", rule="front", admit="1%", more=True)
        self.refused("INVALID", "rule", self.admin, "rule.admit", rule="no", admit="2%", more=True)
        self.refused("INVALID", "rule", self.admin, "rule.admit", rule="no", admit="2%")
        ask("rule.admit", rule="docs", admit="3%")
        rules = ask("policy.get")["policy"]["rules"]
        self.assertEqual([rule["admit"] for rule in rules], ["3%", "1%"])

    def test_forgotten_with_the_connection(self):
        client = self.client()
        client.ask("rule.admit", rule="front", admit="1%", more=True)
        client.close()
        self.admin.ask("rule.admit", rule="docs", admit="3%")
        rules = self.admin.ask("policy.get")["policy"]["rules"]
        self.assertEqual([rule["admit"] for rule in rules], ["3%", "25%"])

    def test_overtaken(self):
        client = self.client()
        client.ask("rule.admit", rule="front", admit="1%", more=True)
        self.admin.ask("rule.admit", rule="docs", admit="3%")
        self.refused("CONFLICT", "", client, "rule.admit", rule="front", admit="2%")
        rules = self.admin.ask("policy.get")["policy"]["rules"]
        self.assertEqual([rule["admit"] for rule in rules], ["3%", "25%"])
        client.ask("rule.admit", rule="front", admit="2%")  # begun anew

    def test_overtaken_between_parts(self):
        client = self.client()
        client.ask("rule.admit", rule="front", admit="1%", more=True)
        self.admin.ask("rule.admit", rule="docs", admit="3%")
        numbers = [client.start("set.add", set="partners", entries=["10.0.0.1"], more=True),
                   client.start("set.add", set="partners", entries=["10.0.0.2"])]
        self.assertEqual(client.finish(numbers[0]), {"staged": 2})
        with self.assertRaises(Refused) as caught:
            client.finish(numbers[1])
        self.assertEqual(caught.exception.code, "CONFLICT")
        policy = self.admin.ask("policy.get")["policy"]
        self.assertEqual(policy["sets"]["partners"]["entries"], ["203.0.113.0/24"])
        self.assertEqual([rule["admit"] for rule in policy["rules"]], ["3%", "25%"])

    def test_whole_policy_in_parts(self):
        self.admin.ask("policy.apply", policy=POLICY, more=True)
        self.admin.ask("set.add", set="bots", verdict="block", entries=["10.0.0.1"], more=True)
        answer = self.admin.ask("set.add", set="bots", entries=["10.0.0.2"])
        self.assertEqual((answer["generation"], answer["changed"]), (2, 2))

    def test_not_too_many(self):
        clients = [self.client() for _ in range(9)]
        for client in clients[:8]:
            client.ask("rule.admit", rule="front", admit="1%", more=True)
        self.refused("LOCKED", "more", clients[8], "rule.admit", rule="front", admit="1%",
                     more=True)
        clients[8].ask("rule.admit", rule="front", admit="1%")
        clients[0].close()
        clients[8].ask("rule.admit", rule="front", admit="1%", more=True)


class Repetition(DaemonCase):
    def test_if_generation(self):
        client = self.applied()
        client.ask("rule.admit", rule="front", admit="1%", if_generation=1)
        error = self.refused("CONFLICT", "if_generation", client, "rule.admit", rule="front",
                             admit="2%", if_generation=1)
        self.assertEqual((error.number, error.generation), (-32000, 2))

    def test_request_key(self):
        client = self.applied()
        first = client.ask("rule.admit", rule="front", admit="1%", request_key="k")
        self.assertEqual(client.ask("rule.admit", rule="front", admit="1%", request_key="k"), first)
        self.assertEqual(self.client().ask("rule.admit", request_key="k", admit="1%",
                                           rule="front"), first)
        self.refused("CONFLICT", "request_key", client, "rule.admit", rule="front", admit="2%",
                     request_key="k")
        self.assertEqual(client.ask("policy.get")["generation"], 2)

    def test_a_refused_request_may_be_repeated(self):
        client = self.applied()
        self.refused("INVALID", "set", client, "set.add", set="new", entries=[], request_key="k")
        client.ask("set.add", set="new", entries=[], verdict="block")
        self.assertEqual(client.ask("set.add", set="new", entries=[], request_key="k")
                         ["generation"], 3)

    def test_old_keys_are_forgotten(self):
        Fake(self)  # with which changes do not wait for the disk
        client = self.applied()
        for i in range(1025):
            client.start("rule.admit", rule="front", admit="1%", request_key=f"k{i}")
        for _ in range(1025):
            client.read()
        self.assertEqual(client.ask("rule.admit", rule="front", admit="1%", request_key="k1")
                         ["generation"], 3)
        self.assertEqual(client.ask("rule.admit", rule="front", admit="1%", request_key="k0")
                         ["generation"], 1027)


class Reading(DaemonCase):
    def test_explain(self):
        client = self.client()
        ask = {"source": "192.0.2.9", "destination": "198.18.0.1", "port": 80}
        self.refused("DEGRADED", "", client, "explain", **ask)
        client.ask("policy.apply", policy=dict(POLICY, salt="00" * 16))
        answer = client.ask("explain", **ask)
        self.assertEqual(
            {key: answer[key] for key in ("source", "destination", "port", "protocol", "origin",
                                          "service", "rule", "admit", "threshold")},
            {"source": "192.0.2.9", "destination": "198.18.0.1", "port": 80, "protocol": "tcp",
             "origin": None, "service": "front", "rule": "front", "admit": "25%",
             "threshold": 1 << 30})
        admitted = answer["hash"] < answer["threshold"]
        self.assertEqual((answer["verdict"], answer["reason"]),
                         ("pass", "admitted") if admitted else ("divert", "shed"))
        cases = [
            ({"source": "198.51.100.1", "port": 80}, "docs", "drop", "shed"),
            ({"source": "203.0.113.1", "port": 80}, None, "pass", "allowed"),
            ({"source": "192.0.2.9", "port": 81}, None, "pass", "default"),
            ({"source": "192.0.2.9"}, None, "pass", "default"),
            ({"source": "192.0.2.9", "protocol": "icmp"}, None, "pass", "default"),
            ({"source": "192.0.2.9", "protocol": "47"}, None, "pass", "default"),
            ({"source": "192.0.2.9", "protocol": "udp", "port": 80}, None, "pass", "default"),
        ]
        for params, rule, verdict, reason in cases:
            answer = client.ask("explain", destination="198.18.0.1", **params)
            self.assertEqual((answer["rule"], answer["verdict"], answer["reason"]),
                             (rule, verdict, reason), params)
        client.ask("rule.admit", rule="docs", admit="100%")
        self.assertEqual(client.ask("explain", source="198.51.100.1", destination="198.18.0.1",
                                    port=80)["reason"], "admitted")

    def test_explain_refusals(self):
        client = self.applied()
        good = {"source": "192.0.2.9", "destination": "198.18.0.1", "port": 80}
        for key, value in [("source", "x"), ("source", "192.0.2.0/24"), ("destination", "::1"),
                           ("destination", "198.18.0.1:80"), ("port", 65536), ("port", -1),
                           ("port", 1 << 40), ("protocol", "tpc"), ("protocol", "256"),
                           ("protocol", "")]:
            with self.subTest(key=key, value=value):
                self.refused("INVALID", key, client, "explain", **dict(good, **{key: value}))
        self.refused("INVALID", "port", client, "explain", **dict(good, protocol="icmp"))

    def test_stats_and_health_alone(self):
        client = self.applied()
        stats = client.ask("stats.get")
        self.assertEqual((stats["generation"], stats["workers"]), (1, 0))
        self.assertEqual([rule["rule"] for rule in stats["rules"]], ["docs", "front"])
        health = client.ask("health")
        self.assertEqual((health["ok"], health["dataplane"]), (False, {"running": False}))


class Audit(DaemonCase):
    def test_lines(self):
        client = self.applied()
        client.ask("rule.admit", rule="front", admit="1%", reason="why not", more=True)
        client.ask("rule.admit", rule="front", admit="2%")
        self.refused("INVALID", "rule", client, "rule.admit", rule="no", admit="2%")
        client.ask("set.add", set="partners", entries=[f"10.0.{i}.0/24" for i in range(200)])
        client.ask("health")
        lines = self.audit()
        self.assertEqual([line["method"] for line in lines],
                         ["policy.apply", "rule.admit", "rule.admit", "rule.admit", "set.add"])
        self.assertEqual(lines[0]["params"], {"policy": "test"})
        self.assertEqual(lines[1]["params"], {"rule": "front", "admit": "1%", "reason": "why not",
                                              "more": True})
        self.assertEqual(lines[1]["staged"], 1)
        self.assertEqual(lines[2]["generation"], 2)
        self.assertEqual(lines[3]["error"]["path"], "rule")
        self.assertEqual(lines[4]["params"]["entries"], {"count": 200})
        for line in lines:
            self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
            self.assertEqual((line["uid"], line["role"]), (os.getuid(), "admin"))


if __name__ == "__main__":
    main()
