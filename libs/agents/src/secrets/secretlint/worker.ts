// The thread in which secretlint looks at texts. It has no environment, and whoever wrote the texts may have written them for
// its patterns: it is ended from outside when it takes too long. Imports packages only, so that its source runs as it is.
import { createHash } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import { lintSource } from '@secretlint/core';
import { rules } from '@secretlint/secretlint-rule-preset-recommend';

interface Text {
  readonly name: string;
  readonly text: string;
}

const prefix = '@secretlint/secretlint-rule-';

/** Without the rule that obeys comments in the text: those who write the text would decide what is looked at. */
const looked = rules
  .filter(({ meta }) => meta.id !== `${prefix}filter-comments`)
  .map((rule) => ({ id: meta(rule), rule, options: {} }));

function meta(rule: (typeof rules)[number]): string {
  return rule.meta.id;
}

/** Rules that want a certain file get it: a token of npm counts in every file, a key of Google in every JSON. No rule is let to open one. */
function placeOf(name: string): { filePath: string; ext: string } {
  return { filePath: /package(-lock)?\.json$/.test(name) ? '/package.json' : '/.npmrc', ext: '.json' };
}

async function leaksIn({ name, text }: Text, index: number) {
  const content = text.startsWith('\ufeff') ? ` ${text.slice(1)}` : text;
  const source = { ...placeOf(name), content, contentType: 'text' as const };
  const { messages } = await lintSource({ source, options: { config: { rules: looked }, noPhysicFilePath: true } });
  return messages.map(({ ruleId, range: [start, end], loc }) => ({
    ...{ rule: ruleId.replace(prefix, ''), index, start, end, line: loc.start.line },
    hash: createHash('sha256').update(content.slice(start, end)).digest('base64url'),
  }));
}

parentPort?.on('message', ({ id, texts }: { id: number; texts: readonly Text[] }) => {
  void Promise.all(texts.map(leaksIn)).then(
    (leaks) => parentPort?.postMessage({ id, leaks: leaks.flat() }),
    (error: unknown) => parentPort?.postMessage({ id, error: String(error) }),
  );
});
