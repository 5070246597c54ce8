// The branch of an agent whose repository another process of this spoke has: each piece is asked of that one.
import { bundlePieceBytesMax, type BundleFacts } from '#protocol';
import type { BundleFile } from '#agents';

/** What one process answers another: the facts of the whole, and some of its bytes in base64url. */
export interface SharedPiece extends BundleFacts {
  readonly data: string;
}

type Ask = (offset: number, bytesMax: number) => Promise<SharedPiece>;

export async function pieceOf(bundle: BundleFile, offset: number, bytesMax: number): Promise<SharedPiece> {
  const { commit, base, bytes, sha256, read } = bundle;
  return { commit, base, bytes, sha256, data: (await read(offset, bytesMax)).toString('base64url') };
}

export function bundleThere({ commit, base, bytes, sha256 }: BundleFacts, ask: Ask): BundleFile {
  const read = async (offset: number, bytesMax: number) => {
    const { data } = await ask(offset, bytesMax);
    return Buffer.from(data, 'base64url');
  };
  async function* content() {
    for (let offset = 0; offset < bytes; offset += bundlePieceBytesMax) yield await read(offset, bundlePieceBytesMax);
  }
  return { commit, base, bytes, sha256, read, content };
}
