// A bundle on its way: the pieces that came, in a file, and what the spoke stated of the whole with the first of them. Every piece
// has to say the same, to be the one that was asked for, and to be whole.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import {
  bundleHeadBytesMax,
  bundlePieceBytesMax,
  checkBundle,
  decodeBase64url,
  WritError,
  type BundleFacts,
  type OperationBody,
} from '#protocol';

export type BundlePiece = Extract<OperationBody<'agent.artifact'>, { kind: 'bundle' }>;

export class Part {
  private received = 0;

  constructor(
    readonly facts: BundleFacts,
    private readonly file: string,
  ) {}

  /** What to ask for next. */
  get offset(): number {
    return this.received;
  }

  get isWhole(): boolean {
    return this.received === this.facts.bytes;
  }

  /** Whether the spoke still speaks of the same bytes. */
  isOf({ commit, base, bytes, sha256 }: BundleFacts): boolean {
    const { facts } = this;
    return commit === facts.commit && base === facts.base && bytes === facts.bytes && sha256 === facts.sha256;
  }

  /** @throws WritError `artifact_invalid` */
  async add({ offset, data }: Pick<BundlePiece, 'offset' | 'data'>): Promise<void> {
    const bytes = decodeBase64url(data);
    const expected = Math.min(bundlePieceBytesMax, this.facts.bytes - this.received);
    if (offset !== this.received || bytes?.length !== expected)
      throw invalid('A piece is not the one that was asked for.');
    const file = await open(this.file, this.received === 0 ? 'w' : 'r+', 0o600);
    try {
      await file.write(bytes, 0, bytes.length, this.received);
      if (this.received + bytes.length === this.facts.bytes) await file.sync();
    } finally {
      await file.close();
    }
    this.received += bytes.length;
  }

  /** @throws WritError `artifact_invalid` when the bytes are not those that were stated, or not the agent's branch at that commit */
  async verify(agentId: string): Promise<void> {
    const hash = createHash('sha256');
    await pipeline(createReadStream(this.file), hash);
    if (hash.digest('base64url') !== this.facts.sha256) throw invalid('Its hash is another one.');
    const file = await open(this.file, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(bundleHeadBytesMax), 0, bundleHeadBytesMax, 0);
      checkBundle(buffer.subarray(0, bytesRead), agentId, this.facts);
    } finally {
      await file.close();
    }
  }

  drop(): Promise<void> {
    return rm(this.file, { force: true });
  }
}

export function invalid(what: string): WritError {
  return new WritError('artifact_invalid', `The bundle is not what was stated. ${what}`);
}
