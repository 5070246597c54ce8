// Output as it is read: pieces from an offset on, now or as they come, with an explicit end. [O-2]
import { EventEmitter, once } from 'node:events';
import type { OutputChunk } from '../agents.js';
import { isLive, type AgentRecord } from '../lifecycle/record.js';
import type { Register } from '../lifecycle/register.js';
import type { Spools } from './spool.js';
import { firstCharacter, wholeCharacters } from './utf8.js';

/** The longest UTF-8 character: less could never be answered with text. */
const BYTES_MIN = 4;
const BYTES_MAX = 262_144;
/** How long a follower waits before it looks for itself, in case the agent runs in another process. */
const LOOK_MS = 1_000;

export class OutputReader {
  private readonly news = new EventEmitter({ captureRejections: false }).setMaxListeners(0);

  constructor(
    private readonly spools: Spools,
    private readonly register: Register,
  ) {}

  /** Wakes the followers of an agent. */
  wake(agentId: string): void {
    this.news.emit(agentId);
  }

  async read(agentId: string, offset: number, bytesMax: number, owner?: string): Promise<OutputChunk> {
    const record = await this.register.find(agentId, owner);
    const wanted = Math.min(Math.max(bytesMax, BYTES_MIN), BYTES_MAX);
    const bytes = await this.spools.read(agentId, offset, wanted);
    const size = await this.spools.size(agentId);
    const skipped = firstCharacter(bytes);
    const isTail = !isLive(record.state) && offset + bytes.length >= size;
    const whole = bytes.subarray(skipped, isTail ? bytes.length : wholeCharacters(bytes));
    return chunk(record, offset + skipped, whole, size);
  }

  async *follow(agentId: string, offset: number, signal: AbortSignal, owner?: string): AsyncGenerator<OutputChunk> {
    let next = offset;
    while (!signal.aborted) {
      const wake = this.wakeUp(agentId, signal);
      try {
        const found = await this.read(agentId, next, BYTES_MAX, owner);
        next = found.next;
        if (found.text !== '' || found.end) yield found;
        if (found.end) return;
        if (found.text === '') await wake.news;
      } finally {
        wake.cancel();
      }
    }
  }

  /** Listens before the look, so that nothing falls between the two. */
  private wakeUp(agentId: string, signal: AbortSignal): { news: Promise<unknown>; cancel: () => void } {
    const waiting = new AbortController();
    const timer = setTimeout(() => waiting.abort(), LOOK_MS).unref();
    const either = AbortSignal.any([signal, waiting.signal]);
    const news = once(this.news, agentId, { signal: either }).catch(() => undefined);
    const cancel = () => {
      clearTimeout(timer);
      waiting.abort();
    };
    return { news, cancel };
  }
}

/** An ended agent's output ends where its spool does; a spool that is gone counts as dropped. */
function chunk(record: AgentRecord, offset: number, whole: Buffer, size: number): OutputChunk {
  const next = offset + whole.length;
  const lost = isLive(record.state) ? 0 : Math.max(0, record.outputBytes - size);
  const end = !isLive(record.state) && next >= Math.min(size, record.outputBytes);
  return { offset, text: whole.toString('utf8'), next, end, dropped: record.outputDropped + lost };
}
