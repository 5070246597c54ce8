// Words of an agent on their way into one line that a person reads: nothing that steers a terminal, nothing endless.

/** Control and format characters (those that turn the direction of text among them) become a space. */
export function printable(text: string, charactersMax: number): string {
  const flat = text
    .slice(0, 4 * charactersMax)
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim();
  return flat.length > charactersMax ? `${flat.slice(0, charactersMax - 1)}…` : flat;
}
