// Takes what one agent says: gathers it for a moment, writes it to the spool, and announces it in one commit, so that a
// chatty agent costs a commit per moment and not one per line.
import type { FileHandle } from 'node:fs/promises';
import type { AgentEvent } from '#protocol';
import type { AgentsLog } from '../deps.js';
import type { EventMint } from '../lifecycle/events.js';
import type { Register } from '../lifecycle/register.js';
import { Ending, endingBytesOf } from './ending.js';
import type { Spools } from './spool.js';
import { pieces, wholeCharacters } from './utf8.js';

/** Gathered bytes from which on the writer has to wait. */
const GATHERED_BYTES_MAX = 256 * 1024;
/** Text of one event. */
const EVENT_BYTES_MAX = 16 * 1024;
/** Bytes that one commit announces as text. */
const ANNOUNCED_BYTES_MAX = 8 * EVENT_BYTES_MAX;
/** Beyond the inline bytes, offsets are announced this often at most. */
const OFFSETS_MS = 1_000;

export interface OutletParts {
  readonly agentId: string;
  readonly bytesMax: number;
  readonly inlineBytesMax: number;
  readonly flushMs: number;
  readonly spools: Spools;
  readonly register: Register;
  readonly mint: EventMint;
  readonly log: AgentsLog;
  /** Told after every write: followers read on. */
  readonly wrote: () => void;
  /** What is written and announced already, of an agent that goes on after a restart. */
  readonly from?: { readonly bytes: number; readonly dropped: number };
}

export class Outlet {
  private file?: FileHandle;
  private gathered: Buffer[] = [];
  private gatheredBytes = 0;
  private writtenBytes = 0;
  private announcedBytes = 0;
  private droppedBytes = 0;
  private announcedDropped = 0;
  private offsetsAt = 0;
  private timer?: NodeJS.Timeout;
  private flushing: Promise<void> = Promise.resolve();
  private closed = false;
  private readonly ending: Ending;
  /** What is said from the beginning on goes up to here; the room above is for the end. */
  private readonly headBytesMax: number;

  constructor(private readonly parts: OutletParts) {
    const endingBytes = endingBytesOf(parts.bytesMax);
    this.ending = new Ending(endingBytes);
    this.headBytesMax = parts.bytesMax - endingBytes;
    const { bytes, dropped } = parts.from ?? { bytes: 0, dropped: 0 };
    this.writtenBytes = this.announcedBytes = bytes;
    this.droppedBytes = this.announcedDropped = dropped;
  }

  /** Of what is beyond the limit the end waits until `close`, the rest is dropped and counted. Waits while much is gathered. */
  async append(text: string): Promise<void> {
    if (this.closed || text === '') return;
    const bytes = Buffer.from(text, 'utf8');
    const room = this.ending.isBegun ? 0 : Math.max(0, this.headBytesMax - this.writtenBytes - this.gatheredBytes);
    const kept = room >= bytes.length ? bytes : bytes.subarray(0, room === 0 ? 0 : wholeCharacters(bytes, room));
    if (kept.length < bytes.length) this.droppedBytes += this.ending.add(bytes.subarray(kept.length));
    this.gather(kept);
    if (this.gatheredBytes >= GATHERED_BYTES_MAX) await this.flush();
    else this.timer ??= setTimeout(() => void this.flush(), this.parts.flushMs).unref();
  }

  private gather(bytes: Buffer): void {
    if (bytes.length > 0) this.gathered.push(bytes);
    this.gatheredBytes += bytes.length;
  }

  /** Everything written and announced, as far as disk and store let it; nothing is taken after. */
  async close(): Promise<void> {
    this.closed = true;
    await this.flush();
    const { text, lost } = this.ending.take(this.parts.bytesMax - this.writtenBytes);
    this.droppedBytes += lost;
    this.gather(text);
    await this.flush();
    await this.announceAll();
    await this.file?.close().catch(() => undefined);
    this.parts.wrote();
  }

  private flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.flushing = this.flushing.then(() => this.flushNow());
    return this.flushing;
  }

  private async flushNow(): Promise<void> {
    const bytes = Buffer.concat(this.gathered);
    this.gathered = [];
    await this.write(bytes);
    this.gatheredBytes -= bytes.length;
    this.parts.wrote();
    await this.announce(false);
  }

  private async write(bytes: Buffer): Promise<void> {
    if (bytes.length === 0) return;
    try {
      this.file ??= await this.parts.spools.open(this.parts.agentId);
      for (let at = 0; at < bytes.length;) at += (await this.file.write(bytes, at)).bytesWritten;
      this.writtenBytes += bytes.length;
    } catch (cause) {
      this.droppedBytes += bytes.length;
      this.parts.log.warn({ cause, agentId: this.parts.agentId }, 'output could not be written and is dropped');
      await this.file?.truncate(this.writtenBytes).catch(() => undefined);
    }
  }

  private async announceAll(): Promise<void> {
    for (let before = -1; this.isBehind() && before !== this.announcedBytes;) {
      before = this.announcedBytes;
      await this.announce(true);
    }
  }

  private isBehind(): boolean {
    return this.announcedBytes < this.writtenBytes || this.announcedDropped < this.droppedBytes;
  }

  /** A store that does not answer now is asked again with the next output. */
  private async announce(last: boolean): Promise<void> {
    if (!this.isBehind() || !(last || this.isDue())) return;
    try {
      const dropped = this.droppedBytes;
      const { events, to } = await this.news(dropped);
      await this.parts.register.change(this.parts.agentId, (record) => ({
        record: { ...record, outputBytes: to, outputDropped: dropped },
        events,
      }));
      this.announcedBytes = to;
      this.announcedDropped = dropped;
      this.offsetsAt = performance.now();
    } catch (cause) {
      this.parts.log.warn({ cause, agentId: this.parts.agentId }, 'output could not be announced yet');
    }
  }

  private isDue(): boolean {
    return this.announcedBytes < this.parts.inlineBytesMax || performance.now() - this.offsetsAt >= OFFSETS_MS;
  }

  /** First text, as far as it is inline; then offsets for the rest, and what was dropped. */
  private async news(dropped: number): Promise<{ events: AgentEvent[]; to: number }> {
    const text = await this.inlineText();
    let offset = this.announcedBytes;
    const events = pieces(text, EVENT_BYTES_MAX).map((piece) => {
      const event = this.event({ offset, bytes: piece.length, text: piece.toString('utf8') });
      offset += piece.length;
      return event;
    });
    const moreIsInline = text.length > 0 && offset + EVENT_BYTES_MAX < this.parts.inlineBytesMax;
    const to = moreIsInline ? offset : this.writtenBytes;
    if (offset < to || dropped > this.announcedDropped)
      events.push(this.event({ offset, bytes: to - offset, ...(dropped > 0 ? { dropped } : {}) }));
    return { events, to };
  }

  private async inlineText(): Promise<Buffer> {
    const from = this.announcedBytes;
    const to = Math.min(this.writtenBytes, this.parts.inlineBytesMax, from + ANNOUNCED_BYTES_MAX);
    if (to <= from) return Buffer.alloc(0);
    const bytes = await this.parts.spools.read(this.parts.agentId, from, to - from);
    return bytes.subarray(0, wholeCharacters(bytes));
  }

  private event(data: { offset: number; bytes: number; text?: string; dropped?: number }): AgentEvent {
    return this.parts.mint.of('agent.output', this.parts.agentId, data);
  }
}
