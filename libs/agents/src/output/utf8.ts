// Cuts of UTF-8 between characters, so that every piece of output is text of its own.

const isContinuation = (byte: number | undefined) => byte !== undefined && (byte & 0xc0) === 0x80;

/** Length of the longest prefix of at most `bytesMax` bytes that ends between characters; 0 if not even one fits. */
export function wholeCharacters(bytes: Buffer, bytesMax = bytes.length): number {
  let end = Math.min(bytesMax, bytes.length);
  if (end < bytes.length) {
    while (end > 0 && isContinuation(bytes[end])) end--;
    return end;
  }
  let start = end;
  while (start > 0 && end - start < 3 && isContinuation(bytes[start - 1])) start--;
  if (start === 0) return end;
  const lead = bytes[start - 1] ?? 0;
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  return end - start + 1 < length ? start - 1 : end;
}

/** Where the first whole character starts: an offset from outside may point into the middle of one. */
export function firstCharacter(bytes: Buffer): number {
  let start = 0;
  while (start < 3 && isContinuation(bytes[start])) start++;
  return start;
}

/** Pieces of at most `bytesMax` bytes, cut between characters. */
export function pieces(bytes: Buffer, bytesMax: number): Buffer[] {
  const cut: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = wholeCharacters(bytes.subarray(at), bytesMax) || Math.min(bytesMax, bytes.length - at);
    cut.push(bytes.subarray(at, at + length));
    at += length;
  }
  return cut;
}
