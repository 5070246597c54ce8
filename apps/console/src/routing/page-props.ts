// What a page is given.

export interface PageProps {
  /** The parts of the address that the pattern of its route names. */
  readonly params: Readonly<Record<string, string>>;
}
