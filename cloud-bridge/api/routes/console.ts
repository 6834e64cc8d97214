import { existsSync } from "node:fs";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance, FastifyReply } from "fastify";
import type { ApiContext } from "../context.ts";
import { PROBLEM_TYPE, problem } from "../problem.ts";

const NOT_BUILT = `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Shao</title>
<h1>The console is not built yet</h1>
<p>The bridge runs, and its API answers at <a href="/openapi.json">/openapi.json</a>.</p>
<p>Build the pages once with <code>scripts/setup</code> (or <code>npm run build</code>) and reload.</p>
</html>`;

/** The built console: files by name, every other path of a page gets index.html. */
export async function consoleRoutes(app: FastifyInstance, { consoleFolder }: ApiContext): Promise<void> {
  const isBuilt = () => existsSync(join(consoleFolder, "index.html"));
  await app.register(fastifyStatic, {
    root: consoleFolder,
    serve: false,
    cacheControl: false,
    suppressNotExistWarning: true,
  } as never);

  app.get("/*", { schema: { hide: true } }, async (request, reply) => {
    const url = URL.parse(request.url, "http://localhost");
    if (url === null) return notFound(request.url, reply);
    const path = decodeURIComponent(url.pathname);
    if (path.startsWith("/api/")) return notFound(path, reply);
    if (!isBuilt()) return reply.type("text/html; charset=utf-8").send(NOT_BUILT);
    const name = path.slice(1);
    if (name !== "" && !name.endsWith("/") && /\.[a-z0-9]+$/u.test(name)) {
      // Vite's names under assets/ carry a hash of their content.
      reply.header("cache-control", name.startsWith("assets/") ? "public, max-age=31536000, immutable" : "no-cache");
      return reply.sendFile(name);
    }
    return reply.header("cache-control", "no-cache").sendFile("index.html");
  });

  app.setNotFoundHandler((request, reply) => notFound(request.url, reply));
}

function notFound(path: string, reply: FastifyReply) {
  const answer = problem(
    404,
    "NOT_FOUND",
    `there is nothing at ${path.slice(0, 200)}`,
    "All paths stand in /openapi.json.",
  );
  return reply.code(404).type(PROBLEM_TYPE).send(JSON.stringify(answer));
}
