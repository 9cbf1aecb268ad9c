// Only what Biome cannot do: the three rules that need types. Everything else is Biome's (biome.json).
import tseslint from "typescript-eslint";

export default tseslint.config(
  {
    ignores: [
      "**/node_modules/**",
      "**/generated/**",
      "**/.next/**",
      "**/*.{js,mjs,cjs,d.ts}",
      ".tidemark/**",
      "apps/web/next.config.ts",
      // Browser code: bundled by esbuild, without the types of Node that the rest is checked with.
      "apps/api/scripts/explorer.ts",
    ],
  },
  {
    files: ["{apps,packages}/*/{src,bin,scripts}/**/*.{ts,tsx}", "e2e/**/*.ts"],
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    // Biome's suppressions and other tools' comments are none of our business here.
    linterOptions: { reportUnusedDisableDirectives: "off" },
    plugins: { "@typescript-eslint": tseslint.plugin },
    rules: {
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
    },
  },
);
