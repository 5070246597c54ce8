// Which addresses an instance may dial: checked on the URL and again on every address that its name resolves to,
// in the very lookup that the socket uses, so that no later answer of a name server can lead elsewhere.
import { lookup } from 'node:dns';
import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { WritError } from '#protocol';

/** `public` is every globally routed unicast address; the rest is named, or given as CIDR. */
export type Network = 'public' | 'loopback' | 'private' | (string & {});

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Resolve = typeof lookup;

const privateRanges: readonly string[] = ['private', 'uniqueLocal', 'carrierGradeNat'];
const plain: readonly string[] = ['http:', 'ws:'];
const encrypted: readonly string[] = ['https:', 'wss:'];

export class AddressPolicy {
  readonly #networks: ReadonlySet<string>;
  readonly #ranges: readonly [Address, number][];

  /** An allow-list. `resolve` is the system's name lookup. @throws WritError `config_invalid` for what is no network. */
  constructor(
    networks: readonly Network[] = ['public'],
    private readonly resolve: Resolve = lookup,
  ) {
    this.#networks = new Set(networks);
    this.#ranges = networks.filter((name) => name.includes('/')).map(parseRange);
  }

  /**
   * The URL, if it may be dialled: http and ws to loopback only, https and wss elsewhere, without credentials or fragment.
   * @throws WritError `invalid_request` with the field `url`.
   */
  check(text: string): URL {
    const url = URL.parse(text);
    if (!url) throw refusal('It is not a URL.');
    if (url.username || url.password || url.hash) throw refusal('It must not have credentials or a fragment.');
    if (!encrypted.includes(url.protocol) && !plain.includes(url.protocol)) throw refusal('It must be an https URL.');
    const literal = literalOf(url.hostname);
    if (literal && !this.allows(literal, isPlain(url))) throw refusal(`${url.hostname} is not an allowed address.`);
    if (!literal && isPlain(url) && url.hostname !== 'localhost') throw refusal('Beyond loopback it must be https.');
    return url;
  }

  /** For `net.connect` and `tls.connect`: gives out allowed addresses only. */
  lookupFor(url: URL): LookupFunction {
    const loopbackOnly = isPlain(url);
    return (hostname, options, callback) => {
      this.resolve(hostname, { ...options, all: true }, (error, addresses: LookupAddress[] | undefined) => {
        const allowed = (addresses ?? []).filter(({ address }) => this.allows(ipaddr.process(address), loopbackOnly));
        const [first] = allowed;
        if (error ?? !first) callback(error ?? refusal(`${hostname} resolves to no allowed address.`), '');
        else if (options.all) callback(null, allowed);
        else callback(null, first.address, first.family);
      });
    };
  }

  private allows(address: Address, loopbackOnly: boolean): boolean {
    const range = address.range();
    if (loopbackOnly) return range === 'loopback' && this.#networks.has('loopback');
    if (range === 'unicast' && this.#networks.has('public')) return true;
    if (range === 'loopback' && this.#networks.has('loopback')) return true;
    if (privateRanges.includes(range) && this.#networks.has('private')) return true;
    return this.#ranges.some(([net, bits]) => net.kind() === address.kind() && address.match(net, bits));
  }
}

/** Why the networks do not let an address be dialled, or are none themselves; undefined when it may. */
export function addressFault(text: string, networks: readonly Network[]): string | undefined {
  try {
    new AddressPolicy(networks).check(text);
    return undefined;
  } catch (error) {
    return error instanceof WritError ? error.detail : 'It cannot be judged.';
  }
}

function parseRange(text: string): [Address, number] {
  if (!ipaddr.isValidCIDR(text)) throw new WritError('config_invalid', `${text} is not a network in CIDR notation.`);
  return ipaddr.parseCIDR(text);
}

/** The address that a URL names itself; `URL` has already made 127.0.0.1 of 2130706433 and 0x7f.1. */
function literalOf(hostname: string): Address | undefined {
  const bare = hostname.replace(/^\[(.*)\]$/, '$1');
  return ipaddr.isValid(bare) ? ipaddr.process(bare) : undefined;
}

function isPlain(url: URL): boolean {
  return plain.includes(url.protocol);
}

function refusal(detail: string): WritError {
  return new WritError('invalid_request', `The URL may not be dialled. ${detail}`, { field: 'url' });
}
