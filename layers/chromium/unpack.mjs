// Unpacks the package's Brotli archives into the layer's folders. Node has Brotli built in; nothing is installed.
// Usage: node unpack.mjs PACKAGE_DIR LAYER_DIR
import { spawnSync } from "node:child_process";
import { createReadStream, createWriteStream, copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";

const [source, layer] = process.argv.slice(2);
if (!source || !layer) throw new Error("usage: node unpack.mjs PACKAGE_DIR LAYER_DIR");

const archives = [
    { name: "al2023.tar.br", folder: "." }, // lib/
    { name: "swiftshader.tar.br", folder: "chromium" },
    { name: "fonts.tar.br", folder: "fonts" }, // fonts.conf and fonts/
];
for (const { name, folder } of archives) {
    const target = join(layer, folder);
    mkdirSync(target, { recursive: true });
    const tar = join(source, name.replace(/\.br$/, ""));
    await pipeline(createReadStream(join(source, "bin", name)), createBrotliDecompress(), createWriteStream(tar));
    const { status } = spawnSync("tar", ["-xf", tar, "-C", target, "--no-same-owner"], { stdio: "inherit" });
    if (status !== 0) throw new Error(`${name} could not be unpacked`);
}
const binary = createWriteStream(join(layer, "chromium", "chromium"), { mode: 0o755 });
await pipeline(createReadStream(join(source, "bin", "chromium.br")), createBrotliDecompress(), binary);
// The package's own licence, and Chromium's. Of the parts that Chromium is built from it shows the licences itself, at
// chrome://credits.
copyFileSync(join(source, "LICENSE"), join(layer, "chromium", "LICENSE"));
copyFileSync("LICENSE.chromium", join(layer, "chromium", "LICENSE.chromium"));
