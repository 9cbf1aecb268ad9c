import { resolve } from "node:path";
import type { NextConfig } from "next";

const workspaceRoot = resolve(import.meta.dirname, "../..");

const config: NextConfig = {
  // The product runs `.next/standalone/apps/web/server.js`, which carries the few modules it needs.
  output: "standalone",
  outputFileTracingRoot: workspaceRoot,
  turbopack: { root: workspaceRoot },
  // The kit is TypeScript source, like every package here.
  transpilePackages: ["@tidemark/kit"],
  poweredByHeader: false,
  reactStrictMode: true,
  // Types are checked by `npm run check`; a build on a customer's machine need not do it a second time.
  typescript: { ignoreBuildErrors: true },
};

export default config;
