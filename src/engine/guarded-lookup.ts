import { lookup, type LookupAddress, type LookupAllOptions } from "node:dns";
import type { LookupFunction } from "node:net";

type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  answer: (error: Error | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * Looks up a name as `node:dns` does and leaves out the addresses that must not be connected to. The
 * connection is made to what is answered here, so that a name cannot lead elsewhere in between.
 */
export function guardedLookup(
  mayConnect: (address: string) => boolean,
  resolve: Resolve = lookup,
): LookupFunction {
  return (hostname, options, answer) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return answer(error, "");
      const allowed = addresses.filter(({ address }) => mayConnect(address));
      const [first] = allowed;
      if (first === undefined)
        return answer(new Error("the name leads where no engine may be"), "");
      if (options.all === true) return answer(null, allowed);
      return answer(null, first.address, first.family);
    });
  };
}
