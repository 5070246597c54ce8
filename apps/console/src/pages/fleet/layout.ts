// Where things stand in the picture: the hub in the middle, its spokes around it, each with its agents about it like seeds.

export interface Spot {
  readonly x: number;
  readonly y: number;
}

export interface Frame {
  readonly width: number;
  readonly height: number;
}

/** Wide screens and narrow ones have a frame each. */
export const frames = { wide: { width: 860, height: 620 }, narrow: { width: 470, height: 680 } } as const;

const oneRing = 9;
/** The angle that packs seeds evenly, 137.5 degrees. */
const golden = Math.PI * (3 - Math.sqrt(5));

/** How large a spoke and its agents are drawn among so many. */
export const sizeAmong = (spokes: number) => (spokes <= 5 ? 1 : spokes <= oneRing ? 0.8 : spokes <= 24 ? 0.5 : 0.34);

/** Around the middle, the first one above it; more than nine stand on two rings. */
export function spotsAround({ width, height }: Frame, count: number): Spot[] {
  return Array.from({ length: count }, (_, i) => {
    const isInner = count > oneRing && i % 2 === 1;
    const reach = isInner ? 0.6 : 1;
    const angle = -Math.PI / 2 + (2 * Math.PI * i) / Math.max(1, count) + (count === 2 ? Math.PI / 2 : 0);
    const [rx, ry] = [width * 0.36 * reach, height * 0.31 * reach];
    return { x: width / 2 + rx * Math.cos(angle), y: height / 2 + ry * Math.sin(angle) };
  });
}

/** How far out the agent of that place is, before scaling. */
export const reachOf = (index: number) => 42 + 10.5 * Math.sqrt(index);

/** The place of an agent about its spoke, the first ones nearest. */
export function seed(index: number, size: number): Spot {
  const radius = size * reachOf(index);
  return { x: radius * Math.cos(index * golden), y: radius * Math.sin(index * golden) };
}
