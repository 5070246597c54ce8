// What is in a file, as texts that patterns can be held against. What cannot be read is not read as empty.
const boms = [
  [Buffer.from([0xff, 0xfe]), 'utf-16le'],
  [Buffer.from([0xfe, 0xff]), 'utf-16be'],
] as const;

/** Every reading of it; undefined for what is no text. A mark that says UTF-16 is not believed alone. */
export function readings(bytes: Buffer): readonly string[] | undefined {
  const [, wide] = boms.find(([mark]) => bytes.subarray(0, 2).equals(mark)) ?? [];
  if (wide) return [new TextDecoder(wide).decode(bytes), plain(bytes.subarray(2))];
  if (bytes.includes(0)) return undefined;
  return [utf8(bytes) ?? bytes.toString('latin1')];
}

/** Of what is no text: its bytes as they are, and without the zeros that stand between wide characters. */
export function rawReadings(bytes: Buffer): readonly string[] {
  return [bytes.toString('latin1'), plain(bytes)];
}

function plain(bytes: Buffer): string {
  return bytes.toString('latin1').replaceAll('\0', '');
}

function utf8(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
