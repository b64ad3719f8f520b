import { BlockList, isIP, isIPv6 } from 'node:net';

/**
 * Threat: a name that somebody allowed is made to point into our own network (server-side request forgery, DNS rebinding),
 * where what we send would reach services that trust their neighbours, or the cloud's metadata. Measure: addresses are judged
 * after resolution, and the connection goes to the address that was judged.
 */

const ranges = (list: BlockList, ...subnets: readonly string[]) => {
  for (const subnet of subnets) {
    const [net, prefix] = subnet.split('/') as [string, string];
    list.addSubnet(net, Number(prefix), isIPv6(net) ? 'ipv6' : 'ipv4');
  }
  return list;
};

/** RFC 6890 and its updates: loopback, private use, shared, benchmarking, unique local. */
const inside = ranges(
  new BlockList(),
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '::1/128',
  'fc00::/7',
);

/** Never a place to send to: unspecified, link-local (cloud metadata), protocol assignments, documentation, multicast, reserved. */
const nowhere = ranges(
  new BlockList(),
  '0.0.0.0/8',
  '169.254.0.0/16',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/128',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
  '2001:db8::/32',
  '3fff::/20',
  '100::/64',
);

/** Forms of IPv6 that carry an IPv4 address to somewhere else: mapped, translated, 6to4, Teredo and what stands beside it. */
const carrying = ranges(
  new BlockList(),
  '::ffff:0:0/96',
  '::/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '2002::/16',
  '2001::/23',
);

/** Where the addresses of the whole internet are (RFC 4291 section 2.4, IANA): nothing outside of it is public. */
const global = ranges(new BlockList(), '2000::/3');

export type Reach = 'public' | 'private' | 'never';

/** How far an address reaches. What is no address, or names an interface (`%eth0`), reaches nowhere. */
export function reachOf(address: string): Reach {
  if (isIP(address) === 0 || address.includes('%')) return 'never';
  const family = isIPv6(address) ? 'ipv6' : 'ipv4';
  if (nowhere.check(address, family)) return 'never';
  if (inside.check(address, family)) return 'private';
  if (family === 'ipv6' && (carrying.check(address, family) || !global.check(address, family))) return 'never';
  return 'public';
}
