// A server on a Unix socket that one agent alone gets to see: in a folder made for it, and removed with it.
import { chmod, mkdir, open, rm, type FileHandle } from 'node:fs/promises';
import type { Server } from 'node:net';
import { join } from 'node:path';

const socketName = 'api.sock';

export class AgentSocket {
  private constructor(
    private readonly server: Server,
    private readonly folder: string,
    private readonly handle: FileHandle,
  ) {}

  /** Listens when this resolves; only the owner may connect. What lies in the folder goes. */
  static async open(server: Server, folder: string): Promise<AgentSocket> {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const socket = new AgentSocket(server, folder, await open(folder));
    await socket.listen();
    await chmod(socket.path, 0o600);
    return socket;
  }

  get path(): string {
    return join(this.folder, socketName);
  }

  /** Admits nobody any more. Open connections are for the server's owner to end, before or while this waits. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
    await this.handle.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** A socket's path has at most 107 bytes; the way over the open folder is short wherever that lies. */
  private async listen(): Promise<void> {
    const path = process.platform === 'linux' ? `/proc/self/fd/${this.handle.fd}/${socketName}` : this.path;
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject).listen(path, resolve);
    });
  }
}
