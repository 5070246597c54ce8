// What every link promises, whatever carries it. Each adapter's spec hands in how to connect two ends.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Link } from './link.js';

/** Two ends of one link. `cut` breaks it without a farewell. */
export interface Wire {
  readonly dialled: Link;
  readonly accepted: Promise<Link>;
  cut(): void;
  end(): Promise<void>;
}

const kid = 'k'.repeat(43);

/** A string of the envelope's outer shape: that much a link may look at. */
export function envelope(typ: string, text: string): string {
  const header = Buffer.from(`{"alg":"Ed25519","kid":"${kid}","typ":"writ-${typ}+jws"}`).toString('base64url');
  return `${header}.${text}.${'s'.repeat(86)}`;
}

/** Collects what arrives; `next(n)` waits until there are n. */
export function listen(link: Link): { readonly got: string[]; next(count: number): Promise<string[]> } {
  const got: string[] = [];
  let wake = (): void => undefined;
  link.onMessage((message, reply) => {
    got.push(message);
    reply?.end();
    wake();
    return true;
  });
  const next = async (count: number): Promise<string[]> => {
    while (got.length < count) await new Promise<void>((resolve) => (wake = resolve));
    return got.slice(0, count);
  };
  return { got, next };
}

/** What a sender sees of a message that the other end refuses: a close, or nothing at all. */
type Refusal = 'closed' | 'silence';

export function linkContract(name: string, connect: () => Promise<Wire>, refusal: Refusal = 'closed'): void {
  describe(`a link over ${name}`, () => {
    let wire: Wire;
    let accepted: Link;
    beforeEach(async () => {
      wire = await connect();
      accepted = await wire.accepted;
    });
    afterEach(() => wire.end());

    /** Both ends with listeners and, as after every handshake, an ack that came through. */
    async function talking() {
      const [near, far] = [listen(wire.dialled), listen(accepted)];
      wire.dialled.send(envelope('ack', 'first'));
      await far.next(1);
      far.got.length = 0;
      return { near, far };
    }

    test('carries messages whole in both directions, the longest allowed one too', async () => {
      const { near, far } = await talking();
      const sizes = [1, 1_000, 100_000, 1_048_576 - envelope('cmd', '').length];
      const messages = sizes.map((size) => envelope('cmd', 'x'.repeat(size)));
      for (const message of messages) {
        wire.dialled.send(message);
        accepted.send(message);
      }
      expect(await near.next(4)).toEqual(messages);
      expect((await far.next(4)).sort()).toEqual([...messages].sort());
    });

    test('keeps keys and hello in order before everything that follows them', async () => {
      const far = listen(accepted);
      const messages = ['keys', 'hello', 'hello', 'cmd'].map((typ, n) => envelope(typ, `m${n}`));
      for (const message of messages) wire.dialled.send(message);
      expect(await far.next(4)).toEqual(messages);
    });

    test('keeps what came before there was a listener', async () => {
      listen(accepted);
      wire.dialled.send(envelope('ack', 'first'));
      accepted.send(envelope('keys', 'early'));
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(await listen(wire.dialled).next(1)).toEqual([envelope('keys', 'early')]);
    });

    if (refusal === 'closed') {
      test('says 1008 to the sender of a message that is refused', async () => {
        accepted.onMessage(() => false);
        wire.dialled.send(envelope('cmd', 'forged'));
        expect((await wire.dialled.closed).code).toBe(1008);
      });
    } else {
      test('says nothing to the sender of a message that is refused, and goes on', async () => {
        const near = listen(wire.dialled);
        const got: string[] = [];
        accepted.onMessage((message) => {
          got.push(message);
          accepted.send(envelope('res', 'good'));
          return !message.includes('forged');
        });
        wire.dialled.send(envelope('cmd', 'forged'));
        wire.dialled.send(envelope('cmd', 'good'));
        await near.next(2);
        expect(got).toEqual([envelope('cmd', 'forged'), envelope('cmd', 'good')]);
      });
    }

    test('refuses a message over the limit', async () => {
      listen(accepted);
      wire.dialled.send(envelope('cmd', 'x'.repeat(1_048_577)));
      expect([1008, 1009]).toContain((await wire.dialled.closed).code);
    });

    test('tells how much is unsent, and when it went out', async () => {
      const { near } = await talking();
      let drains = 0;
      accepted.onDrain(() => (drains += 1));
      const long = envelope('evt', 'x'.repeat(1_000_000));
      do accepted.send(long);
      while (accepted.bufferedBytes === 0);
      expect(accepted.bufferedBytes).toBeGreaterThan(0);
      await near.next(1);
      while (accepted.bufferedBytes > 0) await new Promise((resolve) => setTimeout(resolve, 5));
      expect(drains).toBeGreaterThan(0);
    });

    test('notices a cut and drops what is sent afterwards', async () => {
      await talking();
      wire.cut();
      expect((await wire.dialled.closed).code).toBe(1006);
      wire.dialled.send(envelope('cmd', 'late'));
      expect(wire.dialled.bufferedBytes).toBe(0);
    });

    test('closes once, with the code given first', async () => {
      await talking();
      wire.dialled.close(1000, 'done');
      wire.dialled.close(1011, 'again');
      expect((await wire.dialled.closed).code).toBe(1000);
    });
  });
}
