# One image, three commands: api, worker and web (docker-compose.yml runs all three). Nothing is compiled but the dashboard.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY . .
# scripts/generate.mjs and build-web.mjs are what `npm start` runs, too; install brings what package-lock.json names.
RUN npm ci --no-audit --no-fund \
  && node scripts/generate.mjs \
  && NEXT_TELEMETRY_DISABLED=1 node -e "import('./scripts/build-web.mjs').then(({ buildWeb }) => buildWeb('/tmp/build-logs'))"

FROM node:24-bookworm-slim
# PostgreSQL refuses root, and drills start one: everything runs under an account of its own.
RUN useradd --system --create-home --home-dir /var/lib/tidemark --uid 10400 tidemark
WORKDIR /app
COPY --from=build --chown=root:root /app /app
ENV NODE_ENV=production TIDEMARK_HOME=/var/lib/tidemark
USER tidemark
EXPOSE 7400
# The api by default; the worker and the dashboard are other commands of the same image.
CMD ["node", "apps/api/src/main.ts"]
