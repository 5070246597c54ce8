// What it was asked to do, what became of each item, and what it left: result, findings, verdict, gates, secrets that were found.
import type { AgentResource, AgentResult } from '#protocol';

export function Work({ agent }: { readonly agent: AgentResource }) {
  const result = agent.result ?? agent.turns?.last?.result;
  return (
    <div class="stack prose">
      <section class="stack">
        <h2>Work items</h2>
        <ol class="items">
          {agent.context.workItems.map((text, i) => {
            const answer = result?.items.find(({ item }) => item === i);
            return (
              <li key={i}>
                <p class="text">{text}</p>
                {answer && (
                  <p class="small">
                    <b>{answer.status.replace('_', ' ')}</b> {answer.note}
                  </p>
                )}
              </li>
            );
          })}
        </ol>
      </section>
      {result ? <Left result={result} /> : <p class="faint">It has not reported yet.</p>}
    </div>
  );
}

function Left({ result }: { readonly result: AgentResult }) {
  const { summary, branch, commit, changes, push, verdict, findings = [], gates = [], secrets = [] } = result;
  return (
    <>
      <section>
        <h2>Summary</h2>
        <p class="text">{summary === '' ? 'None.' : summary}</p>
      </section>
      {commit !== undefined && (
        <p>
          Branch <code>{branch}</code> at <code>{commit.slice(0, 12)}</code>
          {changes && `: ${changes.files} files, +${changes.insertions} −${changes.deletions}`}
        </p>
      )}
      {push && <p>{push.commit === undefined ? `Not pushed: ${push.reason ?? ''}` : `Pushed to ${push.branch}.`}</p>}
      {verdict && (
        <section>
          <h2>Verdict: {verdict.passed ? 'passed' : 'failed'}</h2>
          <pre class="block">{`${verdict.command}\n\n${verdict.detail}`}</pre>
        </section>
      )}
      <Lines
        title="Findings"
        lines={findings.map(({ file, line, severity, message }) => `${severity}, ${file}:${line}: ${message}`)}
      />
      <Lines
        title="Gates"
        lines={gates.map(
          ({ command, passed, reason = '' }) => `${passed ? 'passed' : 'not passed'}: ${command} ${reason}`,
        )}
      />
      <Lines title="Secrets found" lines={secrets.map(({ rule, file, line }) => `${rule}, ${file}:${line}`)} />
    </>
  );
}

function Lines({ title, lines }: { readonly title: string; readonly lines: readonly string[] }) {
  if (lines.length === 0) return null;
  return (
    <section>
      <h2>{title}</h2>
      <ul>
        {lines.map((line, i) => (
          <li key={i}>{line}</li>
        ))}
      </ul>
    </section>
  );
}
