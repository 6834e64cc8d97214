# One image, both halves:
#   docker run -v shao-bridge:/shao/state -v ./config:/shao/site:ro … shao bridge  --config /shao/site/bridge.yaml
#   docker run -v shao-node:/shao/state   -v ./config:/shao/site:ro … shao gateway --config /shao/site/site.yaml
# Every RUN works relative to WORKDIR, so that a test can run the steps without an engine.

# What runs: production packages with this platform's native builds only.
FROM node:24-bookworm-slim AS packages
WORKDIR /shao
ENV ONNXRUNTIME_NODE_INSTALL=skip
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts --loglevel=error
COPY scripts/prune-platform.ts scripts/
RUN node scripts/prune-platform.ts node_modules

# What is built: the console, and one file out of the 700 of TypeBox.
FROM node:24-bookworm-slim AS console
WORKDIR /shao
ENV ONNXRUNTIME_NODE_INSTALL=skip
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --loglevel=error
COPY tsconfig.json ./
COPY protocol protocol
COPY cloud-bridge cloud-bridge
RUN npm run --silent --if-present build:console && mkdir -p cloud-bridge/console/dist
COPY scripts/join-typebox.ts scripts/
RUN node scripts/join-typebox.ts node_modules --alone

FROM node:24-bookworm-slim
# For cameras; all else runs without it.
RUN apt-get update && apt-get install -y --no-install-recommends ffmpeg && rm -rf /var/lib/apt/lists/*
WORKDIR /shao
ENV NODE_ENV=production NODE_COMPILE_CACHE=/shao/state/.compile-cache MALLOC_ARENA_MAX=2
COPY package.json LICENSE ./
COPY --from=packages /shao/node_modules node_modules
RUN rm -r node_modules/typebox
COPY --from=console /shao/node_modules/typebox node_modules/typebox
COPY protocol protocol
COPY drivers drivers
COPY gateway gateway
COPY cloud-bridge cloud-bridge
COPY --from=console /shao/cloud-bridge/console/dist cloud-bridge/console/dist
COPY models models
COPY cli cli
COPY scripts/health-check.ts scripts/
RUN mkdir state && chown 1000:1000 state
# The base image's user `node`. For serial ports also: --group-add dialout --device /dev/serial/by-id/…
USER 1000:1000
VOLUME /shao/state
EXPOSE 8883 8443
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 CMD ["node", "scripts/health-check.ts"]
ENTRYPOINT ["node", "cli/shao.js"]
CMD ["--help"]
