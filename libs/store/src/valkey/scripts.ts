// The Lua that runs on the server. A script is atomic there: nobody sees half of a commit.
// Numbers go through `%.0f`, because Lua writes large ones as 1.7e+15.

/** The format in which this version writes. It stands in the store, in every record and in every entry of a stream. */
const currentFormat = 1;

/** A step from one format to the next: Lua with `meta`, `index`, `expiry`, `heads` in scope. It runs in the script that also writes the new number. */
interface ValkeyMigration {
  readonly to: number;
  readonly lua: string;
}

export interface ValkeyFormats {
  readonly current: number;
  /** One per older format, ascending. */
  readonly migrations: readonly ValkeyMigration[];
}

export const valkeyFormats: ValkeyFormats = { current: currentFormat, migrations: [] };

/** Errors that the scripts answer with. */
export const lostReply = 'WRITLOST';
export const formatReply = 'WRITFORMAT';

/**
 * KEYS: meta, index, expiry, heads. ARGV: an incarnation to start with, the server's run id, whether it syncs ('1').
 * Answers the incarnation. A server that started again may have forgotten, unless it synced before and syncs now.
 * Versions start from the time, so that a new life never gives out a version of an old one.
 */
export function establishScript({ current, migrations }: ValkeyFormats): string {
  const steps = migrations.map(({ to, lua }) => `if format < ${to} then ${lua} end`).join('\n');
  return `
local meta, index, expiry, heads = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local format = tonumber(redis.call('HGET', meta, 'format') or '0')
if format > ${current} then return redis.error_reply('${formatReply} ' .. format) end
if format == 0 then
  local time = redis.call('TIME')
  redis.call('HSET', meta, 'incarnation', ARGV[1], 'version', time[1] .. string.format('%06d', time[2]))
else
  ${steps}
  local known = redis.call('HMGET', meta, 'runId', 'synced')
  if known[1] ~= ARGV[2] and (known[2] ~= '1' or ARGV[3] ~= '1') then
    redis.call('HSET', meta, 'incarnation', ARGV[1])
  end
end
redis.call('HSET', meta, 'format', ${current}, 'runId', ARGV[2], 'synced', ARGV[3])
return redis.call('HGET', meta, 'incarnation')`;
}

/**
 * KEYS: meta, index, expiry, heads, then one for each check, put, delete and append.
 * ARGV: incarnation, channel, length of the record prefix, of the stream prefix, counts of the four, then a version
 * (or '') for each check, TTL (or '') and JSON for each put, JSON for each append.
 * Answers 0 and the number of the failed check, or 1, the version and the cursors.
 */
export const commitScript = `
local meta, index, expiry, heads = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
if redis.call('HGET', meta, 'incarnation') ~= ARGV[1] then return redis.error_reply('${lostReply} the data is gone') end
local channel, recordAt, streamAt = ARGV[2], tonumber(ARGV[3]) + 1, tonumber(ARGV[4]) + 1
local k, a = 4, 8
for i = 1, tonumber(ARGV[5]) do
  k, a = k + 1, a + 1
  local version = string.match(redis.call('GETRANGE', KEYS[k], 0, 40), '^%d+:(%d+):') or ''
  if version ~= ARGV[a] then return {0, i} end
end
local version = string.format('%.0f', redis.call('HINCRBY', meta, 'version', 1))
local now
for _ = 1, tonumber(ARGV[6]) do
  k, a = k + 1, a + 2
  local key = string.sub(KEYS[k], recordAt)
  local value = '${currentFormat}:' .. version .. ':' .. ARGV[a]
  if ARGV[a - 1] == '' then
    redis.call('SET', KEYS[k], value)
    redis.call('ZREM', expiry, key)
  else
    if not now then
      local time = redis.call('TIME')
      now = time[1] * 1000 + math.floor(time[2] / 1000)
    end
    redis.call('SET', KEYS[k], value, 'PX', ARGV[a - 1])
    redis.call('ZADD', expiry, string.format('%.0f', now + ARGV[a - 1]), key)
  end
  redis.call('ZADD', index, 0, key)
end
for _ = 1, tonumber(ARGV[7]) do
  k = k + 1
  local key = string.sub(KEYS[k], recordAt)
  redis.call('DEL', KEYS[k])
  redis.call('ZREM', index, key)
  redis.call('ZREM', expiry, key)
end
local answer = {1, version}
for i = 1, tonumber(ARGV[8]) do
  k, a = k + 1, a + 1
  local key = string.sub(KEYS[k], streamAt)
  local cursor = redis.call('HINCRBY', heads, key, 1)
  redis.call('XADD', KEYS[k], string.format('%.0f-0', cursor), '${currentFormat}', ARGV[a])
  redis.call('PUBLISH', channel, key)
  answer[i + 2] = cursor
end
if now then
  local prefix = string.sub(meta, 1, -5) .. 'r:'
  for _, key in ipairs(redis.call('ZRANGEBYSCORE', expiry, '-inf', string.format('%.0f', now), 'LIMIT', 0, 32)) do
    if redis.call('EXISTS', prefix .. key) == 0 then
      redis.call('ZREM', index, key)
      redis.call('ZREM', expiry, key)
    end
  end
end
return answer`;

/**
 * One stretch of a list. KEYS: index. ARGV: record prefix, low and high bound as ZRANGE wants them, how many, reverse ('1').
 * Answers flat: key, record (false for one that has expired), …
 */
export const listScript = `
local keys
if ARGV[5] == '1' then keys = redis.call('ZRANGE', KEYS[1], ARGV[3], ARGV[2], 'BYLEX', 'REV', 'LIMIT', 0, ARGV[4])
else keys = redis.call('ZRANGE', KEYS[1], ARGV[2], ARGV[3], 'BYLEX', 'LIMIT', 0, ARGV[4]) end
if #keys == 0 then return keys end
local names, answer = {}, {}
for i, key in ipairs(keys) do names[i] = ARGV[1] .. key end
for i, record in ipairs(redis.call('MGET', unpack(names))) do
  answer[2 * i - 1], answer[2 * i] = keys[i], record
end
return answer`;
