// Processes room: the socket at which the pipes of started processes arrive. Each says first which one it is; who does not, or says
// a word that nobody waits for, is shown out.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ignoreBrokenPipe } from '../starter.js';
import { wordBytes } from './words.js';

const introductionMsMax = 10_000;
const arrivingMax = 10_000;

/** A pipe that is expected under a word. */
interface Expected {
  readonly word: string;
  readonly pipe: Promise<Socket>;
}

export class Doorway {
  readonly #expected = new Map<string, (pipe: Socket) => void>();

  private constructor(
    private readonly folder: string,
    readonly path: string,
    private readonly server: Server,
  ) {
    server.maxConnections = arrivingMax;
    server.on('connection', (pipe) => this.#greet(pipe));
  }

  /** In a folder that nobody else can enter. */
  static async open(): Promise<Doorway> {
    const folder = await mkdtemp(join(tmpdir(), 'writ-'));
    const path = join(folder, 'pipes');
    const server = createServer().listen(path);
    await once(server, 'listening');
    return new Doorway(folder, path, server.unref());
  }

  expect(): Expected {
    const word = randomBytes(wordBytes / 2).toString('hex');
    return { word, pipe: new Promise((resolve) => this.#expected.set(word, resolve)) };
  }

  /** Also what arrives later is shown out. */
  refuse(words: readonly string[]): void {
    for (const word of words) this.#expected.delete(word);
  }

  async close(): Promise<void> {
    this.server.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  #greet(pipe: Socket): void {
    pipe.on('error', ignoreBrokenPipe);
    const late = setTimeout(() => pipe.destroy(), introductionMsMax).unref();
    const listen = () => {
      const said = pipe.read(wordBytes) as Buffer | null;
      if (said === null) return;
      clearTimeout(late);
      pipe.off('readable', listen);
      this.#admit(said.toString('latin1'), pipe);
    };
    pipe.on('readable', listen);
  }

  #admit(word: string, pipe: Socket): void {
    const take = this.#expected.get(word);
    this.#expected.delete(word);
    if (take) take(pipe);
    else pipe.destroy();
  }
}
