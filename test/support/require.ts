// What a test wants of the machine and a laptop may lack: skipped with a reason that says how to get it,
// but failed when WRIT_TEST_REQUIRE=all.
import { test } from '@jest/globals';

type Case = (title: string, run: () => void | Promise<void>, timeoutMs?: number) => void;

/** `test` when the machine has it; else a test that is skipped, or fails, naming what is missing and how to get it. */
export function requirement(name: string, ok: boolean, howToGet: string): Case {
  if (ok) return test;
  const reason = `${name} is missing: ${howToGet}`;
  if (process.env.WRIT_TEST_REQUIRE !== 'all') {
    process.stderr.write(`skipping: ${reason}\n`);
    return test.skip;
  }
  return (title) =>
    test(title, () => {
      throw new Error(reason);
    });
}
