// Spending over some days, grouped as the address says.
import type { UsageReport } from '#protocol';
import { useAsked } from '../../parts/asked.js';
import { Table } from '../../parts/table.js';
import { TroubleBox } from '../../parts/trouble.js';
import { get } from '../../rest/http.js';
import { Link } from '../../routing/router.js';
import { counted, lasting, money, shortly } from '../../words/figures.js';

const groups = ['day', 'hub', 'repository'] as const;
const spans = [1, 7, 30, 90];
const dayMs = 86_400_000;

const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);
const chosen = (text: string | null, among: readonly number[]) => among.find((one) => String(one) === text) ?? 7;

export function Spending({ query }: { readonly query: URLSearchParams }) {
  const days = chosen(query.get('days'), spans);
  const by = groups.find((one) => one === query.get('by')) ?? 'day';
  const from = dayOf(Date.now() - (days - 1) * dayMs);
  const asked = useAsked(`usage ${from} ${by}`, (signal) => get<UsageReport>('/v1/usage', { from, by }, signal));
  return (
    <section class="stack" aria-label="Spending">
      <div class="row apart">
        <h2>{days === 1 ? 'Today' : `The last ${days} days`}</h2>
        <div class="row">
          <Choices name="Days" of={spans.map((one) => [`${one} d`, `/usage?days=${one}&by=${by}`, one === days])} />
          <Choices name="Group" of={groups.map((one) => [`by ${one}`, `/usage?days=${days}&by=${one}`, one === by])} />
        </div>
      </div>
      {asked.trouble && <TroubleBox trouble={asked.trouble} />}
      {asked.value && <Report of={asked.value} />}
    </section>
  );
}

type Choice = readonly [words: string, to: string, isCurrent: boolean];

function Choices({ name, of }: { readonly name: string; readonly of: readonly Choice[] }) {
  return (
    <nav class="choices" aria-label={name}>
      {of.map(([words, to, isCurrent]) => (
        <Link key={to} to={to} current={isCurrent}>
          {words}
        </Link>
      ))}
    </nav>
  );
}

function Report({ of: { rows, total, by, more } }: { readonly of: UsageReport }) {
  const heads = [by.slice(0, 1).toUpperCase() + by.slice(1), '#Agents', '#Turns', '#Tokens', '#Money', '#Wall time'];
  return (
    <>
      <Table label="Spending" heads={heads}>
        {rows.map((row) => (
          <Row key={row.key} name={row.key} of={row} />
        ))}
        <Row name="All" of={total} isTotal />
      </Table>
      {more > 0 && <p class="faint">{counted(more)} more rows with less money are left out; the total has them.</p>}
    </>
  );
}

interface RowProps {
  readonly name: string;
  readonly of: UsageReport['total'];
  readonly isTotal?: boolean;
}

function Row({ name, of, isTotal = false }: RowProps) {
  const { agents, turns, inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, moneyMicroUsd, wallMs } = of;
  const tokens = inputTokens + outputTokens + cacheReadTokens + cacheWriteTokens;
  const figures = [counted(agents), counted(turns), shortly(tokens), money(moneyMicroUsd), lasting(wallMs)];
  return (
    <tr class={isTotal ? 'total' : undefined}>
      <th scope="row" class="whole">
        {name}
      </th>
      {figures.map((figure, i) => (
        <td key={i} class="figures">
          {figure}
        </td>
      ))}
    </tr>
  );
}
