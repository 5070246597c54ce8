// Ways in which agents have outlived their killers elsewhere, as shell scripts. Each says `ready` when what it makes is on its way.
// All that comes of one carries its mark: as an argument where it can, in the environment everywhere.
const ways: Readonly<Record<string, string>> = {
  'a session of its own': 'setsid sleep $m & setsid --fork sleep $m; setsid sh -c "sleep $m & setsid sleep $m" &',
  'no hangup': 'nohup sleep $m > /dev/null 2>&1 & nohup setsid nohup sleep $m > /dev/null 2>&1 &',
  'two forks': `(sh -c '(setsid sh -c "sleep $m & sleep $m" &)' &); (sh -c '(sh -c "sleep $m &" &)' &)`,
  'a storm of forks': 'storm() { while :; do sleep $m & sleep 0.002; done; }; storm & storm & (storm &)',
  'deaf ears': `trap "" TERM HUP INT QUIT USR1; (while :; do sleep $m; done) & sh -c 'trap "" TERM; sleep $m & wait' &`,
  'stopped children': `sleep $m & kill -STOP $!; setsid sh -c 'sleep $m & kill -STOP $! $$' & (sleep $m & kill -STOP $!)`,
  'other names': `bash -c 'exec -a "[kworker/0:1]" sleep $m' & perl -e '$0 = "/usr/sbin/sshd -D"; fork; sleep 1e6' &`,
  'open files': `mkfifo p; exec 7<> p; for f in 8 9; do eval "exec $f> held$f"; done; rm held8
    sleep $m & sleep $m <&7 & setsid sleep $m 5>&1 6>&2 &`,
  'a socket and a port': `node -e 'const { createServer } = require("net");
    for (const at of ["/work/s.sock", "/tmp/s.sock", 8080]) createServer().listen(at)' $m &`,
};
const all = Object.values(ways).join('\n');

/** The name of a way, and its script under that mark. */
export function escapes(mark: string): readonly (readonly [name: string, script: string])[] {
  const begin = `exec 2> /dev/null; m=${mark}; export m WRIT_MARK=${mark}`;
  const end = 'echo ready; while :; do sleep $m; done';
  const whole = Object.entries({ ...ways, 'all of it': all });
  return whole.map(([name, way]) => [name, [begin, way, end].join('\n')]);
}
