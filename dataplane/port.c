/* SPDX-License-Identifier: BSD-3-Clause */
/* See port.h. */
#include "port.h"
#include "say.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
	RX_DESCRIPTORS = 2048, /* outlast a worker's rest: see idle.h */
	TX_DESCRIPTORS = 1024,
	JUMBO_MTU = 9216,
};

static int fail(const struct port *port, int result, const char *what)
{
	say("port %s: %s: %s", port->name, what, rte_strerror(-result));
	return result;
}

static int resolve(const char *name, uint16_t *id)
{
	char *end;
	unsigned long number;

	if (rte_eth_dev_get_port_by_name(name, id) == 0)
		return 0;
	number = strtoul(name, &end, 10);
	if (!isdigit((unsigned char)name[0]) || *end || number >= RTE_MAX_ETHPORTS ||
	    !rte_eth_dev_is_valid_port((uint16_t)number))
		return -ENODEV;
	*id = (uint16_t)number;
	return 0;
}

static bool driver_is(const struct rte_eth_dev_info *info, const char *name)
{
	return strcmp(info->driver_name, name) == 0;
}

/*
 * Ports whose number of queues is fixed before we see them: what arrives is shared out among all
 * of them, polled or not.
 */
static int check_all_polled(const struct port *port, unsigned workers,
			    const struct rte_eth_dev_info *info)
{
	static const struct {
		const char *driver, *option;
	} fixed[] = {{"net_af_packet", "qpairs"},
		     {"net_af_xdp", "queue_count"},
		     {"net_vhost", "queues"}};

	for (size_t i = 0; i < RTE_DIM(fixed); i++) {
		if (!driver_is(info, fixed[i].driver))
			continue;
		say("port %s: spreads packets over %u queues, and there are %u workers: give it "
		    "%s=%u",
		    port->name, info->max_rx_queues, workers, fixed[i].option, workers);
		return -EINVAL;
	}
	return 0;
}

/* Every worker sends to every port; edge ports are polled by all, others by those who can. */
static int plan_queues(struct port *port, enum port_role role, unsigned workers,
		       const struct rte_eth_dev_info *info)
{
	port->rx_queues = (uint16_t)RTE_MIN(workers, info->max_rx_queues);
	port->tx_queues = (uint16_t)workers;
	if (port->rx_queues == 0 || (role == PORT_EDGE && port->rx_queues < workers)) {
		say("port %s: has %u receive queues, and %u workers need one each", port->name,
		    info->max_rx_queues, workers);
		return -ENOSPC;
	}
	if (info->max_tx_queues < workers) {
		say("port %s: has %u transmit queues, and %u workers need one each", port->name,
		    info->max_tx_queues, workers);
		return -ENOSPC;
	}
	if (port->rx_queues < info->max_rx_queues)
		return check_all_polled(port, workers, info);
	return 0;
}

static int find(const char *name, enum port_role role, unsigned workers, struct port *port)
{
	struct rte_eth_dev_info info;
	int result = resolve(name, &port->id);

	if (result) {
		say("%s port %s: no such port", port_role_word(role), name);
		return result;
	}
	rte_eth_dev_get_name_by_port(port->id, port->name);
	if ((result = rte_eth_dev_info_get(port->id, &info)))
		return fail(port, result, "does not say what it can do");
	if ((result = plan_queues(port, role, workers, &info)))
		return result;
	/* Captures can hold any frame, but their driver does not say so. */
	port->sends_segments = info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS ||
			       driver_is(&info, "net_pcap");
	port->counts_queues = *info.dev_flags & RTE_ETH_DEV_AUTOFILL_QUEUE_XSTATS;
	port->rx_descriptors = RX_DESCRIPTORS;
	port->tx_descriptors = TX_DESCRIPTORS;
	result = rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &port->rx_descriptors,
						  &port->tx_descriptors);
	return result ? fail(port, result, "cannot have such rings") : 0;
}

int pair_find(const struct options_pair *names, unsigned workers, struct pair *pair)
{
	const char *const name[] = {names->edge, names->server, names->fallback};
	struct pair found = {.ports = names->fallback[0] ? 3 : 2};

	snprintf(found.name, sizeof found.name, "%s,%s%s%s", names->edge, names->server,
		 names->fallback[0] ? "," : "", names->fallback);
	for (unsigned role = 0; role < found.ports; role++) {
		int result = find(name[role], role, workers, &found.port[role]);

		if (result)
			return result;
	}
	*pair = found;
	return 0;
}

unsigned pair_mbufs(const struct pair *pair)
{
	unsigned mbufs = 0;

	for (unsigned i = 0; i < pair->ports; i++) {
		const struct port *port = &pair->port[i];

		mbufs += port->rx_queues * port->rx_descriptors;
		mbufs += port->tx_queues * port->tx_descriptors;
	}
	return mbufs;
}

enum port_spread port_plan_spread(uint64_t offered, uint64_t *functions)
{
	const uint64_t by_source = RTE_ETH_RSS_L3_SRC_ONLY | RTE_ETH_RSS_L3_PRE64;
	const uint64_t by_ports = RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_SCTP;
	uint64_t wanted = RTE_ETH_RSS_IP | by_source;
	enum port_spread spread = SPREAD_ADDRESSES;

	if (!(offered & (RTE_ETH_RSS_IP | by_ports)))
		return SPREAD_UNKNOWN;
	/* Without a function for whatever IPv4 carries, TCP would all go to the first queue. */
	if (!(offered & RTE_ETH_RSS_IPV4)) {
		wanted |= by_ports;
		spread = SPREAD_CONNECTIONS;
	}
	*functions = offered & wanted;
	return offered & RTE_ETH_RSS_L3_SRC_ONLY ? SPREAD_SOURCES : spread;
}

/*
 * Spread by source address where the port can, so that a source's bucket stays in one
 * worker's cache; where it cannot, buckets are shared all the same. The key is ours alone:
 * who knows it can aim a flood at one worker.
 */
static void configure_rss(struct port *port, const struct rte_eth_dev_info *info,
			  struct rte_eth_conf *conf)
{
	struct rte_eth_rss_conf *rss = &conf->rx_adv_conf.rss_conf;
	size_t key_size = info->hash_key_size;

	if (port->rx_queues == 1)
		return;
	port->spread = port_plan_spread(info->flow_type_rss_offloads, &rss->rss_hf);
	if (port->spread == SPREAD_UNKNOWN)
		return;
	conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	if (key_size && key_size <= PORT_RSS_KEY &&
	    getrandom(port->rss_key, key_size, 0) == (ssize_t)key_size) {
		rss->rss_key = port->rss_key;
		rss->rss_key_len = info->hash_key_size;
	}
}

/* Some drivers take what they are told and do something else; those cannot say it either. */
static void check_rss(struct port *port, uint64_t functions)
{
	struct rte_eth_rss_conf conf = {0};

	if (port->rx_queues == 1)
		return;
	if (port->spread != SPREAD_UNKNOWN &&
	    (rte_eth_dev_rss_hash_conf_get(port->id, &conf) || !(conf.rss_hf & functions)))
		port->spread = SPREAD_UNKNOWN;
	if (port->spread == SPREAD_UNKNOWN)
		say("port %s: cannot be told how to spread packets over its %u queues", port->name,
		    port->rx_queues);
	else
		say("port %s: spreads packets over %u queues by %s", port->name, port->rx_queues,
		    port_spread_word(port->spread));
}

/*
 * Frames longer than one buffer arrive in several, so they need a pair in which every port
 * can also send them so. Elsewhere the port keeps its standard MTU.
 */
static void configure_jumbo(const struct rte_eth_dev_info *info, bool pair_sends_segments,
			    struct rte_eth_conf *conf)
{
	uint32_t overhead = RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN, mtu = JUMBO_MTU;

	if (!(info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER) || !pair_sends_segments)
		return;
	if (info->max_mtu != UINT16_MAX && info->max_rx_pktlen > info->max_mtu)
		overhead = info->max_rx_pktlen - info->max_mtu;
	mtu = RTE_MIN(mtu, info->max_mtu);
	mtu = RTE_MIN(mtu, info->max_rx_pktlen - overhead);
	conf->rxmode.mtu = mtu;
	conf->rxmode.offloads |= RTE_ETH_RX_OFFLOAD_SCATTER;
}

static int start_queues(const struct port *port, struct rte_mempool *pool)
{
	int socket = rte_eth_dev_socket_id(port->id);
	int result;

	for (uint16_t queue = 0; queue < port->rx_queues; queue++) {
		result = rte_eth_rx_queue_setup(port->id, queue, port->rx_descriptors,
						(unsigned)socket, NULL, pool);
		if (result)
			return fail(port, result, "cannot set up a receive queue");
	}
	for (uint16_t queue = 0; queue < port->tx_queues; queue++) {
		result = rte_eth_tx_queue_setup(port->id, queue, port->tx_descriptors,
						(unsigned)socket, NULL);
		if (result)
			return fail(port, result, "cannot set up a transmit queue");
	}
	return 0;
}

/* A port that knows no addresses of its own to filter by has no such mode either. */
static int start_promiscuous(const struct port *port)
{
	int result = rte_eth_promiscuous_enable(port->id);

	return result && result != -ENOTSUP ? fail(port, result, "cannot be made promiscuous") : 0;
}

static int start(struct port *port, bool pair_sends_segments, struct rte_mempool *pool)
{
	struct rte_eth_conf conf = {0};
	struct rte_eth_dev_info info;
	int result = rte_eth_dev_info_get(port->id, &info);

	if (result)
		return fail(port, result, "does not say what it can do");
	conf.txmode.offloads = info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	configure_rss(port, &info, &conf);
	configure_jumbo(&info, pair_sends_segments, &conf);
	result = rte_eth_dev_configure(port->id, port->rx_queues, port->tx_queues, &conf);
	if (result)
		return fail(port, result, "cannot be configured");
	if ((result = start_queues(port, pool)))
		return result;
	if ((result = rte_eth_dev_start(port->id)))
		return fail(port, result, "cannot be started");
	port->started = true;
	check_rss(port, conf.rx_adv_conf.rss_conf.rss_hf);
	rte_eth_stats_reset(port->id);
	return start_promiscuous(port);
}

static bool sends_segments(const struct pair *pair)
{
	for (unsigned i = 0; i < pair->ports; i++) {
		if (!pair->port[i].sends_segments)
			return false;
	}
	return true;
}

int pair_start(struct pair *pair, struct rte_mempool *pool)
{
	bool segments = sends_segments(pair);

	for (unsigned i = 0; i < pair->ports; i++) {
		int result = start(&pair->port[i], segments, pool);

		if (result)
			return result;
	}
	return 0;
}

void pair_stop(struct pair *pair)
{
	for (unsigned i = 0; i < pair->ports; i++) {
		if (!pair->port[i].started)
			continue;
		rte_eth_dev_stop(pair->port[i].id);
		rte_eth_dev_close(pair->port[i].id);
		pair->port[i].started = false;
	}
}
