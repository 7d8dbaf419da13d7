-- REST's tool call, back to back. Every answer must be a 200 with an n in flight. Prints the same line as load/call.lua.
-- arguments: path, authorization, seed
local head, seed, n = nil, nil, 0
badCount, badText = 0, nil
local inflight = {}
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  seed = args[3]
  head = "POST " .. args[1] .. " HTTP/1.1\r\nHost: " .. wrk.headers["Host"] .. "\r\nContent-Type: application/json\r\n" ..
    "Accept: application/json\r\nAuthorization: " .. args[2] .. "\r\nContent-Length: "
end

function request()
  n = n + 1
  local key = seed .. n
  inflight[key] = true
  local body = '{"arguments":{"n":"' .. key .. '"}}'
  return head .. #body .. "\r\n\r\n" .. body
end

function response(status, headers, body)
  local key = body:match('"text":"n=(%w+) ')
  if status ~= 200 or not key or not inflight[key] then
    badCount = badCount + 1
    if not badText then badText = status .. " " .. body:sub(1, 300) end
  end
  if key then inflight[key] = nil end
end

function done(summary, latency, requests)
  local bads, sample = 0, ""
  for _, thread in ipairs(threads) do
    bads = bads + (thread:get("badCount") or 0)
    sample = thread:get("badText") or sample
  end
  local e = summary.errors
  io.write(string.format(
    '@@{"requests":%d,"durationUs":%d,"errors":%d,"bad":%d,"p50Us":%.1f,"p90Us":%.1f,"p99Us":%.1f,"sample":%q}\n',
    summary.requests, summary.duration, e.connect + e.read + e.write + e.timeout, bads,
    latency:percentile(50), latency:percentile(90), latency:percentile(99), sample))
end
