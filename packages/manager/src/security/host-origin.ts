/**
 * Which `Host` and `Origin` a request may carry. A browser page of somebody else must not reach the manager: not under a name
 * that its owner lets point here (DNS rebinding), not from another origin. Pure; verdicts are remembered by the header's text.
 * Source: specification 2026-07-28, basic/transports/streamable-http ("Security Warning").
 */
import { RecentMap } from "./recent-map.ts";

export interface HostOriginOptions {
  /** The address that is listened on. On a loopback one, only loopback names and `allowedHosts` are taken. */
  readonly host: string;
  /** Names, with or without port, under which the manager is reached. On another address: empty takes every name. */
  readonly allowedHosts: readonly string[];
  /** Origins of web pages that may call, as browsers write them: `https://console.example.com`. */
  readonly allowedOrigins: readonly string[];
}

export interface HostOriginCheck {
  /** Undefined when the request may go on; otherwise why not, for the answer's 403. */
  check(host: string | undefined, origin: string | undefined): string | undefined;
}

/** Header texts remembered; a handful in practice. */
const remembered = 1_024;

/** Prepares the check. */
export function createHostOriginCheck(options: HostOriginOptions): HostOriginCheck {
  const hosts = new RecentMap<string, Verdict>(remembered);
  const origins = new RecentMap<string, Verdict>(remembered);
  const judgeHost = hostJudge(options);
  const judgeOrigin = originJudge(options);
  return {
    check(host, origin) {
      if (host === undefined) return "the Host header is missing";
      const refused = remember(hosts, host, judgeHost).refusal;
      if (refused !== undefined || origin === undefined) return refused;
      // Two texts without a space in them: the pair is one to one with the key.
      return remember(origins, `${origin} ${host}`, () => judgeOrigin(origin, host)).refusal;
    },
  };
}

interface Verdict {
  readonly refusal: string | undefined;
}

function remember(known: RecentMap<string, Verdict>, key: string, judge: (key: string) => string | undefined): Verdict {
  const found = known.get(key);
  if (found !== undefined) return found;
  const made = { refusal: judge(key) };
  known.set(key, made);
  return made;
}

function hostJudge({ host: bound, allowedHosts }: HostOriginOptions): (host: string) => string | undefined {
  const allowed = new Set(allowedHosts.map((name) => name.toLowerCase()));
  const takesAll = allowed.size === 0 && !isLoopbackName(bound);
  return (text) => {
    const host = parseHost(text);
    if (host === undefined) return "the Host header is not a host name with an optional port";
    if (takesAll || isLoopbackName(host.name) || allowed.has(host.name) || allowed.has(host.full)) return undefined;
    return `the host name "${shorten(host.name)}" is not one of this manager's: add it to allowedHosts`;
  };
}

function originJudge(options: HostOriginOptions): (origin: string, host: string) => string | undefined {
  const allowed = new Set(options.allowedOrigins.map((origin) => origin.toLowerCase().replace(/\/$/, "")));
  return (origin, host) => {
    if (allowed.has(origin.toLowerCase())) return undefined;
    const url = /^https?:\/\//i.test(origin) ? URL.parse(origin) : null;
    if (url !== null && (isLoopbackName(bracketless(url.hostname)) || isOwn(url, host, options))) return undefined;
    return `web pages from "${shorten(origin)}" may not call this manager: add the origin to allowedOrigins`;
  };
}

/**
 * A page that came from here. Its name counts only when it is known to be ours or is an address: any other name can be made to
 * point here by its owner, and then says nothing.
 */
function isOwn(url: URL, hostText: string, { allowedHosts }: HostOriginOptions): boolean {
  const host = parseHost(hostText);
  if (host === undefined || url.host !== URL.parse(`${url.protocol}//${hostText}`)?.host) return false;
  const isListed = allowedHosts.some((name) => name.toLowerCase() === host.name || name.toLowerCase() === host.full);
  return isListed || isAddress(host.name);
}

interface HostParts {
  /** Lower case, without port and brackets. */
  readonly name: string;
  /** Lower case, as it was sent. */
  readonly full: string;
}

const hostPattern = /^(?:([A-Za-z0-9._-]{1,253})|\[([0-9A-Fa-f:.]{2,45})\])(?::[0-9]{1,5})?$/;

function parseHost(text: string): HostParts | undefined {
  const match = hostPattern.exec(text);
  const name = match?.[1] ?? match?.[2];
  return name === undefined ? undefined : { name: name.toLowerCase(), full: text.toLowerCase() };
}

/** Whether a name or an address (without brackets) can only mean this machine. */
function isLoopbackName(name: string): boolean {
  const plain = bracketless(name).toLowerCase();
  return plain === "localhost" || plain === "::1" || /^127(\.[0-9]{1,3}){3}$/.test(plain);
}

function isAddress(name: string): boolean {
  return name.includes(":") || /^[0-9]{1,3}(\.[0-9]{1,3}){3}$/.test(name);
}

function bracketless(name: string): string {
  return name.replace(/^\[(.*)\]$/, "$1");
}

function shorten(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 80)}…`;
}
