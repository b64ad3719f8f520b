import { isIPv4 } from 'node:net';
import { fail } from '@caponier/protocol';
import { groupsOf, isMapped } from './address.ts';

/** Networks that one setting may name: each is looked at for every connection. */
export const MAX_NETWORKS = 64;

/** Addresses that somebody named, such as those of the proxies in front of a service. */
export interface Networks {
  readonly size: number;
  /** Whether the address lies in one of them. An IPv4 address in IPv6 clothes is the IPv4 address. */
  includes(address: string | undefined): boolean;
}

interface Network {
  readonly groups: readonly number[];
  /** Bits that count, of 128. */
  readonly bits: number;
  readonly mapped: boolean;
}

/** The bits of group `i` that count. */
const maskOf = (bits: number, i: number) => 0xffff & ~(0xffff >> Math.max(0, Math.min(16, bits - 16 * i)));

function parseNetwork(text: string): Network {
  const refuse = (why: string) => fail('host.bad_config', `"${text.slice(0, 64)}" ${why}`);
  const [, address = '', prefix] = /^([\da-fA-F:.]{2,45})(?:\/(0|[1-9]\d{0,2}))?$/.exec(text) ?? [];
  const groups = groupsOf(address);
  if (!groups) throw refuse('is not an address or a network such as 10.0.0.0/8 or fd00::/8');
  const offset = isIPv4(address) ? 96 : 0;
  const bits = offset + Number(prefix ?? 128 - offset);
  if (bits > 128) throw refuse('has more bits than an address');
  if (groups.some((group, i) => (group & ~maskOf(bits, i) & 0xffff) !== 0)) {
    throw refuse('names one address and a network around it: write the network with its last bits zero');
  }
  const mapped = isMapped(groups);
  // Trusting everybody is not trusting a proxy: then any stranger chooses the address that it counts as.
  if (bits === 0 || (mapped && bits <= 96)) throw refuse('is every address');
  return { groups, bits, mapped };
}

const matches = ({ groups, bits, mapped }: Network, address: readonly number[]) =>
  mapped === isMapped(address) && groups.every((group, i) => ((group ^ (address[i] ?? 0)) & maskOf(bits, i)) === 0);

/**
 * Addresses and networks in CIDR form (RFC 4632, RFC 4291), separated by commas: `10.0.0.0/8,fd00::/8,127.0.0.1`. Empty:
 * none. Throws `host.bad_config` for anything malformed, a network with bits set beyond its prefix, one of everybody, and
 * more than `MAX_NETWORKS`.
 */
export function parseNetworks(text: string): Networks {
  const items = text.trim() === '' ? [] : text.split(',').map((item) => item.trim());
  if (items.length > MAX_NETWORKS) throw fail('host.bad_config', `more than ${MAX_NETWORKS} networks`);
  const networks = items.map(parseNetwork);
  return {
    size: networks.length,
    includes(address) {
      if (networks.length === 0 || address === undefined) return false;
      const groups = groupsOf(address.replace(/%.*$/, ''));
      return groups !== undefined && networks.some((network) => matches(network, groups));
    },
  };
}
