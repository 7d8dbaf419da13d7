-- Small tools/call requests, back to back. Every id is new; every answer must be a 200 that carries an id in flight and its own n.
-- arguments: path, tool, era, authorization ("-" for none), sessions (comma separated, "-" for none)
local path, tool, era, authorization, sessions
local heads, n = {}, 0
badCount, badText = 0, nil
local inflight = {}
local threads = {}
local seed

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  path, tool, era, authorization, sessions = args[1], args[2], args[3], args[4], args[5]
  seed = args[6] or "a"
  local common = "POST " .. path .. " HTTP/1.1\r\nHost: " .. wrk.headers["Host"] .. "\r\n" ..
    "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
  if authorization ~= "-" then common = common .. "Authorization: " .. authorization .. "\r\n" end
  if era == "modern" then
    heads[1] = common .. "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: " .. tool .. "\r\nContent-Length: "
  else
    for session in sessions:gmatch("[^,]+") do
      heads[#heads + 1] = common .. "MCP-Protocol-Version: 2025-11-25\r\nMcp-Session-Id: " .. session .. "\r\nContent-Length: "
    end
  end
end

local meta = ',"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",' ..
  '"io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1.0.0"},"io.modelcontextprotocol/clientCapabilities":{}}'

function request()
  n = n + 1
  local key = seed .. n
  inflight[n] = key
  local body = '{"jsonrpc":"2.0","id":' .. n .. ',"method":"tools/call","params":{"name":"' .. tool ..
    '","arguments":{"n":"' .. key .. '"}' .. (era == "modern" and meta or "") .. "}}"
  return heads[n % #heads + 1] .. #body .. "\r\n\r\n" .. body
end

function response(status, headers, body)
  local id = tonumber(body:match('"id":(%d+)'))
  local key = id and inflight[id]
  if status ~= 200 or not key or not body:find('"text":"n=' .. key .. " ", 1, true) then
    badCount = badCount + 1
    if not badText then badText = status .. " " .. body:sub(1, 300) end
  end
  if id then inflight[id] = nil end
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
