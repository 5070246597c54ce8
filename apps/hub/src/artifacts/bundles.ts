// Branches of agents, fetched from their spokes piece by piece over whatever link there is, and handed out only when all of it was
// verified: its length, its hash, and that it is this agent's branch at the commit that its signed end states.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bundle } from '#api';
import { isTerminal, WritError, type AgentResource } from '#protocol';
import { invalid, Part, type BundlePiece } from './part.js';
import type { BundleShelf } from './shelf.js';

interface BundlesParts {
  readonly shelf: BundleShelf;
  /** Of one bundle. */
  readonly bytesMax: number;
  /** Asks the agent's spoke for the piece at an offset. @throws WritError `peer_unavailable`, `timed_out`, or what the spoke refused with */
  readonly ask: (agent: AgentResource, offset: number) => Promise<BundlePiece>;
  readonly refused: (agentId: string, error: unknown) => void;
}

/** On their way at once, and begun ones that a cut has left. */
const partsMax = 8;
/** How often a spoke that is away is looked for before the caller is told, and how long between. */
const looksMax = 60;
const lookAgainMs = 500;
/** How often a spoke may state another bundle than before. */
const beginningsMax = 3;

export class Bundles {
  private readonly coming = new Map<string, Promise<Bundle>>();
  private readonly parts = new Map<string, Part>();

  constructor(private readonly own: BundlesParts) {}

  /** @throws WritError `not_found`, `withheld`, `too_large`, `operation_unknown`, `peer_unavailable`, `timed_out`, `artifact_invalid`, `rate_limited` */
  async of(agent: AgentResource): Promise<Bundle> {
    const stated = isTerminal(agent.state) ? agent.result?.commit : undefined;
    const kept = stated === undefined ? undefined : await this.own.shelf.find(agent.agentId, { commit: stated });
    return kept ?? this.coming.get(agent.agentId) ?? this.begin(agent, stated);
  }

  private begin(agent: AgentResource, stated: string | undefined): Promise<Bundle> {
    const { agentId } = agent;
    if (this.coming.size >= partsMax)
      throw new WritError('rate_limited', `${partsMax} bundles are being fetched.`, { retryAfterMs: 1_000 });
    const coming = this.fetch(agent, stated).finally(() => this.coming.delete(agentId));
    this.coming.set(agentId, coming);
    return coming;
  }

  /** What a cut left is gone on with by the next who asks; of anything else that went wrong nothing is kept. */
  private async fetch(agent: AgentResource, stated: string | undefined): Promise<Bundle> {
    try {
      return await this.whole(agent, stated);
    } catch (error) {
      if (!isAway(error)) {
        await this.drop(agent.agentId);
        this.own.refused(agent.agentId, error);
      }
      throw error;
    }
  }

  private async whole(agent: AgentResource, stated: string | undefined): Promise<Bundle> {
    const { agentId } = agent;
    for (let beginnings = 0; beginnings < beginningsMax; beginnings++) {
      const found = this.parts.get(agentId) ?? (await this.first(agent, stated));
      if (!(found instanceof Part)) return found;
      if (await this.rest(agent, found)) return this.verified(agentId, found);
      await this.drop(agentId);
    }
    throw invalid('The spoke states another one each time.');
  }

  /** The first piece says what all of it is: what cannot be right is not fetched, and what is here already is not fetched again. */
  private async first(agent: AgentResource, stated: string | undefined): Promise<Part | Bundle> {
    const { agentId } = agent;
    const piece = await this.own.ask(agent, 0);
    const { commit, base, bytes, sha256 } = piece;
    if (stated !== undefined && commit !== stated) throw invalid('Its commit is not the one of the signed end.');
    if (bytes > this.own.bytesMax)
      throw new WritError(
        'too_large',
        `The bundle has ${bytes} bytes; this hub takes ${this.own.bytesMax} (\`bundles.eachBytesMax\`).`,
      );
    const kept = await this.own.shelf.find(agentId, { commit, sha256 });
    if (kept) return kept;
    const part = new Part({ commit, base, bytes, sha256 }, this.own.shelf.part(agentId));
    await this.makeRoom();
    this.parts.set(agentId, part);
    await part.add(piece);
    return part;
  }

  /** False when the spoke speaks of another bundle meanwhile. */
  private async rest(agent: AgentResource, part: Part): Promise<boolean> {
    while (!part.isWhole) {
      const piece = await this.patiently(agent, part.offset);
      if (!part.isOf(piece)) return false;
      await part.add(piece);
    }
    return true;
  }

  /** A link that was cut comes back: the next piece is asked for again, and nothing comes twice. */
  private async patiently(agent: AgentResource, offset: number): Promise<BundlePiece> {
    for (let looks = 1; ; looks++) {
      try {
        return await this.own.ask(agent, offset);
      } catch (error) {
        if (!isAway(error) || looks >= looksMax) throw error;
        await sleep(lookAgainMs);
      }
    }
  }

  private async verified(agentId: string, part: Part): Promise<Bundle> {
    await part.verify(agentId);
    const bundle = await this.own.shelf.put(agentId, part.facts);
    this.parts.delete(agentId);
    return bundle;
  }

  /** Begun ones that nobody goes on with make room, the oldest first. */
  private async makeRoom(): Promise<void> {
    for (const agentId of this.parts.keys())
      if (this.parts.size >= partsMax && !this.coming.has(agentId)) await this.drop(agentId);
  }

  private async drop(agentId: string): Promise<void> {
    const part = this.parts.get(agentId);
    this.parts.delete(agentId);
    await part?.drop();
  }
}

function isAway(error: unknown): boolean {
  return error instanceof WritError && (error.code === 'peer_unavailable' || error.code === 'timed_out');
}
