// Tells the demo as a story, a line a step. With --json it keeps quiet until the last line.

const dim = (text: string) => (process.stdout.isTTY ? `\u001b[2m${text}\u001b[0m` : text);
const bold = (text: string) => (process.stdout.isTTY ? `\u001b[1m${text}\u001b[0m` : text);

export class Narrator {
  private readonly start = performance.now();

  constructor(private readonly quiet: boolean) {}

  scene(title: string): void {
    this.say(`\n${bold(title)}`);
  }

  step(text: string): void {
    const seconds = ((performance.now() - this.start) / 1_000).toFixed(1).padStart(5);
    this.say(`${dim(`${seconds} s`)}  ${text}`);
  }

  /** What somebody else wrote: output of an agent, a diff, a table. */
  quote(text: string): void {
    for (const line of text.trimEnd().split('\n')) this.say(dim(`         │ ${line}`));
  }

  private say(line: string): void {
    if (!this.quiet) process.stdout.write(`${line}\n`);
  }
}
