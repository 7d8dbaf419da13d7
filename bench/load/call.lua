-- Requests, back to back: tools/call of each tool in turn, or tools/list. Every id is new; every answer must be a 200 that carries an
-- id in flight and its own n, or the last of the tools, and at least so many bytes.
-- arguments: path, tools (comma separated), era, authorization ("-" for none), sessions (comma separated, "-" for none), seed, method,
-- least bytes of an answer
local path, era, authorization, sessions, method, bytesMin
local heads, tools, n = {}, {}, 0
badCount, badText = 0, nil
local inflight = {}
local threads = {}
local seed

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  path, era, authorization, sessions = args[1], args[3], args[4], args[5]
  seed, method, bytesMin = args[6], args[7], tonumber(args[8])
  for tool in args[2]:gmatch("[^,]+") do tools[#tools + 1] = tool end
  local common = "POST " .. path .. " HTTP/1.1\r\nHost: " .. wrk.headers["Host"] .. "\r\n" ..
    "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
  if authorization ~= "-" then common = common .. "Authorization: " .. authorization .. "\r\n" end
  if era == "modern" then
    common = common .. "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: " .. method .. "\r\n"
    heads[1] = common .. (method == "tools/list" and "Content-Length: " or "Mcp-Name: ")
  else
    for session in sessions:gmatch("[^,]+") do
      heads[#heads + 1] = common .. "MCP-Protocol-Version: 2025-11-25\r\nMcp-Session-Id: " .. session .. "\r\nContent-Length: "
    end
  end
end

local meta = '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",' ..
  '"io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1.0.0"},"io.modelcontextprotocol/clientCapabilities":{}}'

function request()
  n = n + 1
  local key = seed .. n
  inflight[n] = key
  local head = heads[n % #heads + 1]
  local tool = tools[n % #tools + 1]
  local params = era == "modern" and meta or ""
  if method == "tools/call" then
    params = '"name":"' .. tool .. '","arguments":{"n":"' .. key .. '"}' .. (era == "modern" and "," or "") .. params
    if era == "modern" then head = head .. tool .. "\r\nContent-Length: " end
  end
  local body = '{"jsonrpc":"2.0","id":' .. n .. ',"method":"' .. method .. '","params":{' .. params .. "}}"
  return head .. #body .. "\r\n\r\n" .. body
end

function response(status, headers, body)
  local id = tonumber(body:match('"id":(%d+)'))
  local key = id and inflight[id]
  local sought = key and (method == "tools/call" and '"text":"n=' .. key .. " " or '"name":"' .. tools[#tools] .. '"')
  if status ~= 200 or not key or #body < bytesMin or not body:find(sought, 1, true) then
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
