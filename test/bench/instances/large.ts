// A repository with many small files on its branch `main`.
import { execFileSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';

const filesInFolder = 100;

function* commit(files: number): Generator<string> {
  yield 'commit refs/heads/main\ncommitter Sample <sample@example.org> 1700000000 +0000\ndata 5\nMany\n';
  for (let n = 0; n < files; n += 1) {
    const text = `export const n${n} = ${n};\n`;
    yield `M 100644 inline part${Math.floor(n / filesInFolder)}/file${n}.ts\ndata ${text.length}\n${text}\n`;
  }
  yield 'done\n';
}

/** Its `file://` URL. */
export function makeLargeRepository(folder: string, files: number): string {
  const git = (input: string, ...args: string[]) => execFileSync('git', args, { cwd: folder, input, stdio: 'pipe' });
  git('', 'init', '--quiet', '--bare', '--initial-branch=main');
  git([...commit(files)].join(''), 'fast-import', '--quiet', '--done');
  return pathToFileURL(folder).href;
}
