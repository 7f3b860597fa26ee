# SPDX-License-Identifier: BSD-3-Clause
"""The socket: framing, envelopes, parameters, and clients that behave badly."""

import json
import os
import socket

from harness import POLICY, Client, DaemonCase, main

MEGABYTE = 1024 * 1024


class Envelope(DaemonCase):
    def refusal(self, line):
        answer = self.client().ask_raw(line)
        return answer["error"]["code"], answer["error"]["data"]["path"], answer["id"]

    def test_greeting(self):
        greeting = self.client().greeting
        self.assertEqual(greeting["method"], "greeting")
        self.assertNotIn("id", greeting)
        self.assertEqual(greeting["params"]["generation"], 0)
        self.assertRegex(greeting["params"]["version"], r"^\d+\.\d+\.\d+$")

    def test_bad_lines(self):
        cases = [
            (b"nonsense", -32700, "", None),
            (b'{"jsonrpc":"2.0","id":1,"method":"health"', -32700, "method", None),
            (b'{"jsonrpc":"2.0","id":1,"method":"health"} {}', -32700, None, None),
            (b'{"jsonrpc":"2.0","id":1,"method":"he\xff\xfe"}', -32700, None, None),
            (b'{"jsonrpc":"2.0",\0"id":1,"method":"health"}', -32700, None, None),
            (b'{"jsonrpc":"2.0","id":1,"method":"a\\u0000b"}', -32700, None, None),
            (b'{"jsonrpc":"2.0","id":99999999999999999999,"method":"health"}', -32700, None, None),
            (b"[" * 5000, -32700, None, None),
            (b"3", -32600, "", None),
            (b'"health"', -32600, "", None),
            (b"[]", -32600, "", None),
            (b'[{"jsonrpc":"2.0","id":1,"method":"health"}]', -32600, "", None),
            (b"{}", -32600, "jsonrpc", None),
            (b'{"jsonrpc":"1.0","id":1,"method":"health"}', -32600, "jsonrpc", 1),
            (b'{"jsonrpc":2.0,"id":1,"method":"health"}', -32600, "jsonrpc", 1),
            (b'{"jsonrpc":"2.0","id":{},"method":"health"}', -32600, "id", None),
            (b'{"jsonrpc":"2.0","id":true,"method":"health"}', -32600, "id", None),
            (b'{"jsonrpc":"2.0","id":1}', -32600, "method", 1),
            (b'{"jsonrpc":"2.0","id":1,"method":7}', -32600, "method", 1),
            (b'{"jsonrpc":"2.0","id":1,"method":"health","params":[]}', -32600, "params", 1),
            (b'{"jsonrpc":"2.0","id":1,"method":"health","extra":0}', -32600, "extra", 1),
            (b'{"jsonrpc":"2.0","id":1,"id":2,"method":"health"}', -32600, "id", None),
            (b'{"jsonrpc":"2.0","id":1,"method":"health","params":{"a":[{},{"b":1,"b":2}]}}',
             -32600, "a[1].b", None),
            (b'{"jsonrpc":"2.0","id":"x","method":"policy.burn"}', -32601, "method", "x"),
            (b'{"jsonrpc":"2.0","id":1.5,"method":""}', -32601, "method", 1.5),
        ]
        for line, code, path, number in cases:
            with self.subTest(line[:80]):
                got = self.refusal(line)
                self.assertEqual((got[0], got[2]), (code, number))
                if path is not None:
                    self.assertEqual(got[1], path)

    def test_ids_come_back(self):
        client = self.client()
        for number in ["a", 7, 2.5, None, "\u00e9\u4e2d"]:
            line = json.dumps({"jsonrpc": "2.0", "id": number, "method": "health"}).encode()
            self.assertEqual(client.ask_raw(line)["id"], number)

    def test_notification_is_not_answered(self):
        client = self.client()
        for method in ["health", "no.such.method", "rule.admit"]:
            client.send(b'{"jsonrpc":"2.0","method":"%s"}\n' % method.encode())
        client.ask("policy.apply", policy=POLICY)
        client.send(b'{"jsonrpc":"2.0","method":"rule.admit",'
                    b'"params":{"rule":"front","admit":"75%"}}\n')
        self.assertEqual(client.ask("policy.get")["policy"]["rules"][1]["admit"], "75%")

    def test_parameters(self):
        client = self.client()
        cases = [
            ("health", {"a": 1}, "UNKNOWN_FIELD", "a"),
            ("health", {"reason": "x"}, "UNKNOWN_FIELD", "reason"),
            ("policy.apply", {}, "INVALID", "policy"),
            ("policy.apply", {"policy": "x"}, "INVALID", "policy"),
            ("policy.apply", {"policy": POLICY, "more": 1}, "INVALID", "more"),
            ("policy.apply", {"policy": POLICY, "if_generation": "1"}, "INVALID", "if_generation"),
            ("policy.apply", {"policy": POLICY, "reason": ""}, "INVALID", "reason"),
            ("policy.apply", {"policy": POLICY, "reason": "a\nb"}, "INVALID", "reason"),
            ("policy.apply", {"policy": POLICY, "request_key": ""}, "INVALID", "request_key"),
            ("policy.apply", {"policy": POLICY, "request_key": "k" * 129}, "INVALID",
             "request_key"),
            ("policy.apply", {"policy": POLICY, "request_key": "k", "more": True}, "INVALID",
             "request_key"),
            ("set.list", {"offset": 1.5}, "INVALID", "offset"),
            ("set.list", {"offset": -1}, "INVALID", "offset"),
            ("set.list", {"limit": -1}, "INVALID", "limit"),
            ("set.list", {"limit": 10001}, "INVALID", "limit"),
            ("set.list", {"a b": -1}, "UNKNOWN_FIELD", '["a b"]'),
        ]
        for method, params, code, path in cases:
            with self.subTest(method=method, params=list(params)):
                error = self.refused(code, path, client, method, **params)
                self.assertEqual(error.number, -32602)
                self.assertEqual(error.generation, 0)


class Framing(DaemonCase):
    def test_blank_lines_and_carriage_returns(self):
        client = self.client()
        client.send(b"\n\r\n  \t\n")
        answer = client.ask_raw(b'{"jsonrpc":"2.0","id":1,"method":"health"}\r')
        self.assertEqual(answer["id"], 1)

    def test_line_in_pieces(self):
        client, other = self.client(), self.client()
        line = b'{"jsonrpc":"2.0","id":1,"method":"health"}\n'
        for i in range(len(line) - 1):
            client.send(line[i:i + 1])
        other.ask("health")  # is not held up by half a line
        client.send(line[-1:])
        self.assertEqual(client.read()["id"], 1)

    def test_many_lines_at_once(self):
        client = self.client()
        client.send(b"".join(b'{"jsonrpc":"2.0","id":%d,"method":"health"}\n' % i
                             for i in range(1000)))
        self.assertEqual([client.read()["id"] for _ in range(1000)], list(range(1000)))

    def test_longest_line(self):
        client = self.client()
        line = b'{"jsonrpc":"2.0","id":1,"method":"health"}'
        self.assertEqual(client.ask_raw(line.ljust(MEGABYTE))["id"], 1)

    def test_too_long_line(self):
        for data in [b" " * MEGABYTE + b" \n", b"x" * (MEGABYTE + 65536)]:
            client = self.client()
            try:
                client.send(data)
            except (BrokenPipeError, ConnectionResetError):
                pass
            self.assertEqual(client.read()["error"]["code"], -32600)
            try:
                self.assertIsNone(client.read())
            except ConnectionResetError:
                pass

    def test_answers_after_the_client_is_done_sending(self):
        client = self.applied()
        client.send(b"".join(
            b'{"jsonrpc":"2.0","id":%d,"method":"rule.admit",'
            b'"params":{"rule":"front","admit":"%d%%"}}\n' % (i, i) for i in range(3)))
        client.send(b'{"jsonrpc":"2.0","id":9,"method":"health"}')  # never a line
        client.socket.shutdown(socket.SHUT_WR)
        self.assertEqual([client.read()["id"] for _ in range(3)], [0, 1, 2])
        self.assertIsNone(client.read())

    def test_changes_of_a_client_that_went(self):
        client = self.applied()
        client.send(b"".join(
            b'{"jsonrpc":"2.0","method":"rule.admit","params":{"rule":"front","admit":"%d%%"}}\n'
            % i for i in range(5)))
        client.close()
        # The last comes before or after this one's: what counts is that they all do come.
        other = self.client()
        self.comes_to(lambda: other.ask("policy.get")["policy"]["rules"][1]["admit"] == "4%")

    def test_client_that_goes_in_the_middle(self):
        for data in [b"", b"{", b'{"jsonrpc":"2.0","id":1,"method":"health"}',
                     b'{"jsonrpc":"2.0","id":1,"method":"stats.get"}\n' * 100]:
            client = self.client()
            client.send(data)
            client.close()
        self.client().ask("health")

    def test_client_that_does_not_read(self):
        client = self.applied()
        client.socket.setblocking(False)
        line = b'{"jsonrpc":"2.0","id":1,"method":"stats.get"}\n'
        with self.assertRaises((BrokenPipeError, ConnectionResetError)):
            while True:
                try:
                    client.socket.send(line * 1000)
                except BlockingIOError:
                    pass
        self.client().ask("health")


class Activation(DaemonCase):
    def test_given_socket(self):
        self.stop()
        path = os.path.join(self.folder, "given.sock")
        with socket.socket(socket.AF_UNIX) as given:
            given.bind(path)
            given.listen()
            self.start(socket_given=given.fileno())
        client = Client(path)
        self.addCleanup(client.close)
        client.ask("health")
        self.assertFalse(os.path.exists(os.path.join(self.run_folder, "control.sock")))

    def test_given_something_else(self):
        self.stop()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as given:
            self.start(socket_given=given.fileno())
        said = self.daemon.child.communicate()[1].decode()
        self.assertIn("socket activation", said)
        self.assertEqual(self.daemon.child.returncode, 1)
        self.daemon = None


class Many(DaemonCase):
    def test_clients_up_to_the_cap(self):
        clients = [self.client() for _ in range(256)]
        refused = self.client()
        self.assertEqual(refused.greeting["error"]["data"]["code"], "CAPACITY")
        for client in clients:
            client.ask("health")
        clients[7].close()
        while "error" in self.client().greeting:
            pass  # the daemon has not seen the other one's end yet

    def test_changes_of_many_clients(self):
        first, last = self.applied(), 1
        clients = [self.client() for _ in range(20)]
        for turn in range(3):
            numbers = [client.start("set.add", set="partners", entries=[f"10.{turn}.{i}.0/24"])
                       for i, client in enumerate(clients)]
            generations = {client.finish(number)["generation"]
                           for client, number in zip(clients, numbers)}
            self.assertEqual(generations, set(range(last + 1, max(generations) + 1)))
            last = max(generations)
        self.assertEqual(first.ask("set.list", set="partners")["total"], 61)


if __name__ == "__main__":
    main()
