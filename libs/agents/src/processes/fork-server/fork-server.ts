// Processes room: started by a small process beside this one, so that a large spoke does not stand still for every child.
import type { AgentsLog } from '../../deps.js';
import { ProcessStarter, type ProcessSpec, type StartedProcess } from '../starter.js';
import { Doorway } from './doorway.js';
import { Life } from './life.js';

export class ForkServer extends ProcessStarter {
  #isClosed = false;
  #life: Life;

  private constructor(
    private readonly doorway: Doorway,
    private readonly log: Pick<AgentsLog, 'warn'>,
    private readonly startMsMax: number,
  ) {
    super();
    this.#life = this.#begin();
  }

  /** Early: this process is still small. */
  static async open(log: Pick<AgentsLog, 'warn'>, startMsMax = 10_000): Promise<ForkServer> {
    return new ForkServer(await Doorway.open(), log, startMsMax);
  }

  get pid(): number | undefined {
    return this.#life.pid;
  }

  override start(spec: ProcessSpec): Promise<StartedProcess> {
    if (this.#isClosed) return Promise.reject(new Error('The fork server was closed.'));
    if (this.#life.isOver) this.#life = this.#begin();
    return this.#life.start(spec);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#life.close();
    await this.doorway.close();
  }

  /** One that dies is followed by another when the next process is to be started. */
  #begin(): Life {
    const life = new Life(this.doorway, this.startMsMax);
    void life.over.then(() => {
      if (!this.#isClosed) this.log.warn({ pid: life.pid }, 'the fork server ended: what it had started was killed');
    });
    return life;
  }
}
