import { BlockList, isIP } from "node:net";

/**
 * Where no engine is: link-local addresses, the metadata services of clouds (which hand their machine's
 * credentials to whoever asks from it), multicast, and "this network". IPv4 addresses that are written
 * as IPv6 count as what they are.
 */
const SUBNETS: readonly (readonly [string, number, "ipv4" | "ipv6"])[] = [
  ["0.0.0.0", 8, "ipv4"],
  ["169.254.0.0", 16, "ipv4"],
  ["224.0.0.0", 3, "ipv4"],
  ["::", 128, "ipv6"],
  ["fe80::", 10, "ipv6"],
  ["ff00::", 8, "ipv6"],
  // Metadata services at addresses that are not link-local.
  ["100.100.100.200", 32, "ipv4"],
  ["168.63.129.16", 32, "ipv4"],
  ["192.0.0.192", 32, "ipv4"],
  ["fd00:ec2::254", 128, "ipv6"],
  ["fd20:ce::254", 128, "ipv6"],
];

const FORBIDDEN: BlockList = forbidden();

/** Whether an engine must not be at this IP address; anything else is not an address. */
export function isForbiddenAddress(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && FORBIDDEN.check(address, family === 6 ? "ipv6" : "ipv4");
}

/** Whether the host of a URL is such an address, however it is written. */
export function hasForbiddenHost(url: string): boolean {
  if (!URL.canParse(url)) return false;
  return isForbiddenAddress(new URL(url).hostname.replace(/^\[(.*)\]$/, "$1"));
}

function forbidden(): BlockList {
  const list = new BlockList();
  for (const [network, bits, family] of SUBNETS) list.addSubnet(network, bits, family);
  return list;
}
