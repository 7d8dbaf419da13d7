/** The keeper on stdio: `node main.ts legacy|modern [tag]`. It ends with its standard input. */
import process from "node:process";
import { createInterface } from "node:readline";
import { Keeper, type Message, type Send } from "./keeper.ts";

const send: Send = (message) => void process.stdout.write(`${JSON.stringify(message)}\n`);
const keeper = new Keeper(process.argv[2] === "modern" ? "modern" : "legacy", send);
createInterface({ input: process.stdin }).on("line", (line) => keeper.receive(JSON.parse(line) as Message, send));
process.stdin.on("end", () => process.exit(0));
