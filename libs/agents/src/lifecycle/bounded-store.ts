// The store as this room asks it: every answer has a time-out, and every failure has our one name for it. [L-2]
import { WritError } from '#protocol';
import { Store, type Commit, type Key, type ListOptions, type ReadOptions, type StreamRecord } from '#store';
import { Deadlines } from './deadlines.js';

/** Every method throws WritError `store_unavailable`; a commit that did may have happened all the same. */
export class BoundedStore extends Store {
  private readonly deadlines: Deadlines;

  constructor(
    private readonly inner: Store,
    storeMs: number,
  ) {
    super();
    this.deadlines = new Deadlines(storeMs);
  }

  override get incarnation(): string {
    return this.inner.incarnation;
  }

  override now() {
    return this.answer(this.inner.now());
  }

  override get<T>(key: Key) {
    return this.answer(this.inner.get<T>(key));
  }

  override list<T>(prefix: Key, options?: ListOptions) {
    return this.answer(this.inner.list<T>(prefix, options));
  }

  override commit(commit: Commit) {
    return this.answer(this.inner.commit(commit));
  }

  override read<T>(stream: Key, options: ReadOptions) {
    return this.answer(this.inner.read<T>(stream, options));
  }

  override head(stream: Key) {
    return this.answer(this.inner.head(stream));
  }

  override watch<T>(stream: Key, after: number, signal: AbortSignal): AsyncIterable<StreamRecord<T>> {
    return this.inner.watch<T>(stream, after, signal);
  }

  override trim(stream: Key, through: number) {
    return this.answer(this.inner.trim(stream, through));
  }

  override close() {
    return this.inner.close();
  }

  private async answer<T>(answer: Promise<T>): Promise<T> {
    try {
      return await this.deadlines.within(answer, () => new Error('The time for an answer is up.'));
    } catch (cause) {
      throw new WritError('store_unavailable', 'The store did not answer.', { cause });
    }
  }
}
