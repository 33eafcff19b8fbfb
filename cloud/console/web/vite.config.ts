import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: "es2023",
    // The policy of the pages allows nothing that stands in an address.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
