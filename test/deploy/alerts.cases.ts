// One row an alert: what makes it fire on `bad`, and what does not on `good`. Values are a minute apart, in promtool's notation.

export interface AlertCase {
  readonly alert: string;
  /** Minutes after which it fires. */
  readonly atMin: number;
  /** `INSTANCE` stands for the instance, `good` or `bad`. */
  readonly series: Readonly<Record<string, { readonly good: string; readonly bad: string }>>;
  readonly severity: 'critical' | 'warning';
  /** Beside `job`, `instance` and `severity`. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly summary: string;
}

const at = 'job="writ",instance="INSTANCE"';
const link = { peer: 'acme', connection: 'c' };
const linked = `${at},peer="acme",connection="c"`;
const steady = (value: number) => `${value}x40`;
const one = (series: string, good: number, bad: number) => ({
  [series]: { good: steady(good), bad: steady(bad) },
});

export const alertCases: readonly AlertCase[] = [
  {
    ...{ alert: 'WritInstanceDown', severity: 'critical', atMin: 2, series: one(`up{${at}}`, 1, 0) },
    summary: 'bad does not answer.',
  },
  {
    ...{ alert: 'WritEventLoopBlocked', severity: 'warning', atMin: 10 },
    series: one(`nodejs_eventloop_lag_p99_seconds{${at}}`, 0.02, 0.75),
    summary: 'bad is slow: its event loop is held up for 750ms.',
  },
  {
    ...{ alert: 'WritRefusals', severity: 'warning', atMin: 15 },
    series: { [`writ_refusals_total{${at},door="rest",code="capacity"}`]: { good: '0+30x40', bad: '0+120x40' } },
    labels: { door: 'rest', code: 'capacity' },
    summary: 'bad refuses 2 a second with capacity.',
  },
  {
    ...{ alert: 'WritAlarmOpen', severity: 'warning', atMin: 0 },
    series: { [`writ_alarms_open{${at},kind="replay"}`]: { good: '_x40', bad: '1x40' } },
    labels: { kind: 'replay' },
    summary: 'bad has an alarm that nobody has cleared: replay.',
  },
  {
    ...{ alert: 'WritKillswitchSet', severity: 'warning', atMin: 0 },
    series: { [`writ_killswitch_set{${at},scope="all"}`]: { good: '_x40', bad: '1x40' } },
    labels: { scope: 'all' },
    summary: 'bad takes no new agents: the killswitch of all is set.',
  },
  {
    ...{ alert: 'WritKeyStatementEnding', severity: 'critical', atMin: 10 },
    series: one(`writ_key_statement_left_seconds{${at}}`, 302_400, 100_000),
    summary: 'The key statement of bad holds for less than two days and is not renewed.',
  },
  {
    ...{ alert: 'WritPeerKeyStatementEnding', severity: 'warning', atMin: 60 },
    series: { [`writ_peer_key_statement_left_seconds{${linked}}`]: { good: '302400x90', bad: '80000x90' } },
    labels: link,
    summary: 'The last key statement that bad has of acme holds for less than a day.',
  },
  {
    ...{ alert: 'WritPeerSilent', severity: 'critical', atMin: 5 },
    ...{ series: one(`writ_peer_connected{${linked}}`, 1, 0), labels: link },
    summary: 'bad does not hear acme.',
  },
  {
    ...{ alert: 'WritCircuitOpen', severity: 'critical', atMin: 2 },
    ...{ series: one(`writ_peer_circuit_open{${linked}}`, 0, 1), labels: link },
    summary: 'acme is connected and does not answer bad.',
  },
  {
    ...{ alert: 'WritRoundTripSlow', severity: 'warning', atMin: 10 },
    ...{ series: one(`writ_peer_round_trip_seconds{${linked}}`, 0.02, 3), labels: link },
    summary: 'acme takes 3s to answer bad.',
  },
  {
    // The good one has much to say, and is getting there.
    ...{ alert: 'WritJournalLag', severity: 'warning', atMin: 30 },
    series: { [`writ_journal_lag_events{${linked}}`]: { good: '9000-100x40', bad: '0+50x40' } },
    labels: link,
    summary: 'The journal between bad and acme falls behind: 1500 events.',
  },
  {
    ...{ alert: 'WritKillSlow', severity: 'critical', atMin: 15 },
    series: {
      [`writ_kill_seconds_bucket{${at},scope="agent",le="10"}`]: { good: '0+1x40', bad: '0x40' },
      [`writ_kill_seconds_bucket{${at},scope="agent",le="20"}`]: { good: '0+1x40', bad: '0+1x40' },
      [`writ_kill_seconds_bucket{${at},scope="agent",le="+Inf"}`]: { good: '0+1x40', bad: '0+1x40' },
    },
    summary: 'Kills on bad take 19.9s (p99).',
  },
  {
    ...{ alert: 'WritKillWaiting', severity: 'critical', atMin: 5 },
    series: { [`writ_command_oldest_seconds{${at},op="agent.kill"}`]: { good: '2x40', bad: '0+60x40' } },
    labels: { op: 'agent.kill' },
    summary: 'A kill of bad is on its way for 5m 0s.',
  },
  {
    ...{ alert: 'WritKillNotDone', severity: 'critical', atMin: 12 },
    series: {
      [`writ_command_seconds_count{${at},op="agents.kill",outcome="timed_out"}`]: { good: '0x40', bad: '0x9 1x30' },
      [`writ_command_seconds_count{${at},op="agents.kill",outcome="delivered"}`]: { good: '0+1x40', bad: '0+1x40' },
    },
    labels: { outcome: 'timed_out' },
    summary: 'A kill of bad ended as timed_out.',
  },
  {
    ...{ alert: 'WritCommandsWaiting', severity: 'warning', atMin: 10 },
    series: { [`writ_command_oldest_seconds{${at},op="agent.spawn"}`]: { good: '20x40', bad: '0+60x40' } },
    labels: { op: 'agent.spawn' },
    summary: 'A command (agent.spawn) of bad is on its way for 10m 0s.',
  },
  {
    // The good one has failed once, and was done the next time.
    ...{ alert: 'WritCleanupFailing', severity: 'critical', atMin: 20 },
    series: {
      [`writ_cleanup_steps_total{${at},step="sandbox",outcome="failed"}`]: { good: '0x9 1x30', bad: '0+2x40' },
    },
    labels: { step: 'sandbox' },
    summary: 'Clean-ups on bad go on failing (sandbox).',
  },
  {
    ...{ alert: 'WritBackendQuarantined', severity: 'warning', atMin: 10 },
    series: one(`writ_pool_backends{${at},state="quarantined"}`, 0, 2),
    labels: { state: 'quarantined' },
    summary: '2 warm backends on bad will not end.',
  },
  {
    ...{ alert: 'WritAgentPlacesUsed', severity: 'warning', atMin: 15 },
    series: {
      ...one(`writ_agents_live{${at},state="running"}`, 3, 4),
      ...one(`writ_agents_live{${at},state="spawning"}`, 1, 1),
      ...one(`writ_agent_places{${at}}`, 5, 5),
    },
    summary: 'bad has no place for another agent.',
  },
  {
    ...{ alert: 'WritQuestionWaiting', severity: 'warning', atMin: 20 },
    series: { [`writ_question_oldest_seconds{${at}}`]: { good: '0x40', bad: '0+60x40' } },
    summary: 'A question on bad waits for a person for 20m 0s.',
  },
  {
    ...{ alert: 'WritWebhookFailing', severity: 'warning', atMin: 20 },
    series: { [`writ_webhook_failing_seconds{${at},webhook="pager"}`]: { good: '0x40', bad: '0+60x40' } },
    labels: { webhook: 'pager' },
    summary: 'The webhook pager of bad has taken no event for 20m 0s.',
  },
  {
    ...{ alert: 'WritDiskBudgetNearlyUsed', severity: 'warning', atMin: 30 },
    series: { ...one(`writ_disk_bytes{${at}}`, 50, 95), ...one(`writ_disk_budget_bytes{${at}}`, 100, 100) },
    summary: 'bad uses 95% of its disk budget.',
  },
  {
    ...{ alert: 'WritSpendNearLimit', severity: 'warning', atMin: 0 },
    series: {
      ...one(`writ_spent_today_usd{${at},hub="north"}`, 1, 4.5),
      ...one(`writ_spend_limit_usd{${at},hub="north"}`, 5, 5),
    },
    labels: { hub: 'north' },
    summary: 'Agents of north on bad have used 90% of their day.',
  },
  {
    ...{ alert: 'WritBudgetNearLimit', severity: 'warning', atMin: 0 },
    series: {
      ...one(`writ_spent_today_tokens{${at},hub="north"}`, 100, 500),
      ...one(`writ_spent_today_tokens{${at},hub="local"}`, 100, 400),
      ...one(`writ_budget_tokens{${at}}`, 1_000, 1_000),
    },
    summary: 'bad has used 90% of its budget of the day.',
  },
];
