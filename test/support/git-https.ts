// A real git server that wants a password: `git http-backend` behind a TLS server of node, on a free port of loopback.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer as createPlain, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** For `requirement(...)`. */
export const gitHttpsRequirement = [
  'git http-backend and openssl',
  runs('openssl', 'version') !== false &&
    existsSync(join(runs('git', '--exec-path') || '/nowhere', 'git-http-backend')),
  'apt-get install git openssl',
] as const;

export interface GitHttpsOptions {
  /** Its repositories, as bare folders. */
  readonly root: string;
  /** Of an empty folder that takes key and certificate. */
  readonly keys: string;
  readonly username: string;
  readonly password: string;
}

export class GitHttps {
  /** Method and path of every request, and whether it named a user. */
  readonly requests: { readonly line: string; readonly authorization?: string }[] = [];
  /** Run before an admitted request is served. */
  admitted: (request: IncomingMessage) => Promise<void> = () => Promise.resolve();
  /** Run when git has done what a request asked for, before the client hears of it. */
  served: (request: IncomingMessage) => Promise<void> = () => Promise.resolve();
  /** Takes a request away from git: true when it was answered. */
  instead: (request: IncomingMessage, response: ServerResponse) => boolean = () => false;

  private constructor(
    private readonly options: GitHttpsOptions,
    private readonly server: Server,
    readonly url: string,
    /** The certificate, which is its own authority. */
    readonly caFile: string,
  ) {}

  static async start(options: GitHttpsOptions): Promise<GitHttps> {
    const [key, cert] = [join(options.keys, 'tls.key'), join(options.keys, 'tls.crt')];
    if (!existsSync(cert)) makeCertificate(key, cert);
    const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) });
    return GitHttps.listen(options, server, 'https', cert);
  }

  /** The same without TLS. */
  static plain(options: GitHttpsOptions): Promise<GitHttps> {
    return GitHttps.listen(options, createPlain(), 'http', '');
  }

  private static async listen(options: GitHttpsOptions, server: Server, scheme: string, caFile: string) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const made = new GitHttps(options, server, `${scheme}://localhost:${port}`, caFile);
    server.on('request', (request, response) => void made.serve(request, response).catch(() => response.destroy()));
    return made;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { authorization } = request.headers;
    this.requests.push({ line: `${request.method} ${request.url}`, authorization });
    if (this.instead(request, response)) return;
    const { username, password } = this.options;
    const wanted = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    if (authorization !== wanted) {
      const challenge = { 'www-authenticate': 'Basic realm="git"', 'content-type': 'text/plain' };
      response.writeHead(401, challenge).end(`You sent ${authorization}: ${decoded(authorization)}\n`);
      return;
    }
    await this.admitted(request);
    await this.backend(request, response);
  }

  /** CGI, RFC 3875. */
  private async backend(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, search } = new URL(request.url ?? '/', 'http://localhost');
    const { headers } = request;
    const child = spawn('git', ['http-backend'], {
      env: {
        ...{ PATH: process.env.PATH, GIT_PROJECT_ROOT: this.options.root, GIT_HTTP_EXPORT_ALL: '1' },
        ...{ GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'safe.directory', GIT_CONFIG_VALUE_0: '*' },
        ...{ PATH_INFO: decodeURIComponent(pathname), QUERY_STRING: search.slice(1), REMOTE_USER: 'somebody' },
        ...{ REQUEST_METHOD: request.method, CONTENT_TYPE: headers['content-type'] ?? '' },
        ...{ CONTENT_LENGTH: headers['content-length'] ?? '', GIT_PROTOCOL: String(headers['git-protocol'] ?? '') },
        ...{ HTTP_CONTENT_ENCODING: headers['content-encoding'] ?? '', REMOTE_ADDR: '127.0.0.1' },
      },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    child.stdin.on('error', () => undefined);
    request.pipe(child.stdin);
    const pieces: Buffer[] = [];
    for await (const piece of child.stdout as AsyncIterable<Buffer>) pieces.push(piece);
    await this.served(request);
    const all = Buffer.concat(pieces);
    const cut = all.indexOf('\r\n\r\n');
    const lines = all.subarray(0, cut).toString('latin1').split('\r\n');
    const fields = Object.fromEntries(lines.map((line) => line.split(': ', 2) as [string, string]));
    const { Status: status = '200', ...rest } = fields;
    response.writeHead(Number(status.slice(0, 3)), rest).end(all.subarray(cut + 4));
  }
}

function decoded(authorization = ''): string {
  return Buffer.from(authorization.replace('Basic ', ''), 'base64').toString();
}

function makeCertificate(key: string, cert: string): void {
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...kind, '-keyout', key, '-out', cert, ...names], { stdio: 'ignore' });
}

function runs(program: string, argument: string): string | false {
  try {
    return execFileSync(program, [argument], { encoding: 'utf8' }).trim() || 'yes';
  } catch {
    return false;
  }
}
