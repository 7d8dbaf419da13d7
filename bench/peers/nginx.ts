/** An nginx hop: one worker that passes requests on over kept connections, without a log. The floor of what a proxy costs. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type Contestant, type Era, Missing, smallCall, type Work } from "../rig/contestant.ts";
import { cache } from "../rig/paths.ts";
import { freePort } from "../rig/ports.ts";
import { descendants, findProgram, start, waitForPort } from "../rig/process.ts";

export const nginxName = "nginx hop";
/** What suits it for results of 1 MB: nothing by way of the disk, and pieces that are not small. Its defaults suit small ones. */
const largeBuffers =
  "proxy_max_temp_file_size 0; proxy_buffers 16 64k; proxy_buffer_size 64k; proxy_busy_buffers_size 256k;";

/** With its defaults. */
export function nginx(upstreamPort: number, era: Era, core: number, work: Work = smallCall): Contestant {
  return hop(nginxName, "", { upstreamPort, era, core, work });
}

/** With buffers for large results. */
export function nginxForLarge(upstreamPort: number, era: Era, core: number, work: Work): Contestant {
  return hop("nginx, large buffers", largeBuffers, { upstreamPort, era, core, work });
}

interface Hop {
  readonly upstreamPort: number;
  readonly era: Era;
  readonly core: number;
  readonly work: Work;
}

function hop(name: string, buffers: string, { upstreamPort, era, core, work }: Hop): Contestant {
  return {
    name,
    async start() {
      const binary = findProgram("nginx");
      if (binary === undefined) throw new Missing("nginx is not installed");
      const port = await freePort();
      const folder = `${cache}/nginx-${port}`;
      mkdirSync(folder, { recursive: true });
      writeFileSync(`${folder}/nginx.conf`, config({ port, upstreamPort, folder, buffers }));
      const program = start({ command: binary, args: ["-p", folder, "-c", `${folder}/nginx.conf`], core });
      await waitForPort(program, port);
      await sleep(100);
      // The master only supervises; the worker is its one child.
      const worker = descendants(program.pid)[0];
      return {
        target: { name, url: `http://127.0.0.1:${port}${work.path}`, era, work, tool: work.tool },
        pid: worker ?? program.pid,
        async stop() {
          await program.stop();
          rmSync(folder, { recursive: true, force: true });
        },
      };
    },
  };
}

interface ConfigOptions {
  readonly port: number;
  readonly upstreamPort: number;
  readonly folder: string;
  readonly buffers: string;
}

function config({ port, upstreamPort, folder, buffers }: ConfigOptions): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(" ");
  return `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log warn;
events { worker_connections 512; }
http {
  access_log off; keepalive_requests 100000000; keepalive_timeout 300s; ${temporary}
  upstream mcp { server 127.0.0.1:${upstreamPort}; keepalive 64; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port};
    location / { ${buffers} proxy_pass http://mcp; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; }
  }
}
`;
}
