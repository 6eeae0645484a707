// The extension: starts `dslc lsp` for programs, and shows pictures and reports beside their texts.

import * as vscode from "vscode";
import { LanguageClient, TransportKind } from "vscode-languageclient/node";
import { misfit } from "./fit";
import { netAt } from "./nets";
import { page, type Kind } from "./preview";
import { dirname } from "node:path";

let client: LanguageClient | undefined;

interface Shown {
  panel: vscode.WebviewPanel;
  kind: Kind;
  file: vscode.Uri;
  net: string | undefined;
  turn: number;
}

const shown = new Map<string, Shown>();
const lines = new Map<string, number>(); // where the server knows the cursors to be

function command(): readonly string[] {
  const given = vscode.workspace.getConfiguration("dslc").get<string[]>("command");
  return given !== undefined && given.length > 0 ? given : ["dslc"];
}

/** What of the settings is the server's. */
function settings(): Record<string, unknown> {
  const all = vscode.workspace.getConfiguration("dslc");
  return { hints: all.get("hints"), cursorLine: all.get("cursorLine"), lens: all.get("lens") };
}

/** Tell the server where the cursor is: on its line no shapes are shown, unless `dslc.cursorLine` asks for them. */
function follow(change: vscode.TextEditorSelectionChangeEvent): void {
  const { document, selection } = change.textEditor;
  const line = selection.active.line;
  const uri = document.uri.toString();
  if (document.languageId !== "dl" || !client?.isRunning() || lines.get(uri) === line) return;
  lines.set(uri, line);
  void client.sendNotification("dslc/cursor", { uri, line });
}

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const register = (name: string, action: (...args: never[]) => unknown): void => {
    context.subscriptions.push(vscode.commands.registerCommand(name, action));
  };
  register("dslc.picture", (uri?: string, net?: string) => show("picture", uri, net));
  register("dslc.report", (uri?: string, net?: string) => show("report", uri, net));
  register("dslc.build", build);
  register("dslc.restart", () => start(context));
  context.subscriptions.push(
    vscode.window.onDidChangeTextEditorSelection(follow),
    vscode.workspace.onDidSaveTextDocument((document) => {
      if (document.languageId === "dl") for (const each of shown.values()) void refresh(each); // imports count too
    }),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("dslc.command")) void start(context);
    }),
  );
  await start(context);
}

export async function deactivate(): Promise<void> {
  const running = client;
  client = undefined;
  if (running?.needsStop()) await running.stop(); // one that failed to start cannot be stopped
}

async function start(context: vscode.ExtensionContext): Promise<void> {
  await deactivate();
  lines.clear();
  const [program, ...args] = command();
  const server = { command: program ?? "dslc", args: [...args, "lsp"], transport: TransportKind.stdio };
  const options = {
    documentSelector: [
      { scheme: "file", language: "dl" },
      { scheme: "untitled", language: "dl" },
    ],
    initializationOptions: { ...settings(), commands: true }, // build, picture and report are ours
    synchronize: { configurationSection: "dslc", fileEvents: vscode.workspace.createFileSystemWatcher("**/*.dl") },
  };
  const own = new LanguageClient("dslc", "dslc", server, options);
  client = own;
  try {
    await own.start();
  } catch (error) {
    if (client !== own) return; // another start took its place
    const said = error instanceof Error ? error.message : String(error);
    const choice = await vscode.window.showErrorMessage(
      `dslc: \`${[program, ...args, "lsp"].join(" ")}\` does not start (${said}). It needs pip install "dslc[lsp]".`,
      "Open Settings",
    );
    if (choice !== undefined) await vscode.commands.executeCommand("workbench.action.openSettings", "dslc.command");
    return;
  }
  const version = (context.extension.packageJSON as { version: string }).version;
  const told = misfit(own.initializeResult?.serverInfo?.version, version);
  if (told !== undefined) void vscode.window.showWarningMessage(told);
}

/** The program and net that a command is about: those it was given, else those of the editor in front. */
function meant(uri?: string, net?: string): { file: vscode.Uri; net: string | undefined } | undefined {
  const editor = vscode.window.activeTextEditor;
  if (typeof uri === "string") return { file: vscode.Uri.parse(uri), net };
  if (editor?.document.languageId !== "dl") return undefined;
  return { file: editor.document.uri, net: netAt(editor.document.getText(), editor.selection.active.line) };
}

async function show(kind: Kind, uri?: string, net?: string): Promise<void> {
  const about = meant(uri, net);
  if (about === undefined) return;
  const key = `${kind} ${about.file.toString()} ${about.net ?? ""}`;
  let entry = shown.get(key);
  if (entry === undefined) {
    const panel = vscode.window.createWebviewPanel(
      `dslc.${kind}`,
      `${about.net ?? "net"}: ${kind}`,
      { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true },
      { enableScripts: kind === "report", localResourceRoots: [] },
    );
    entry = { panel, kind, ...about, turn: 0 };
    shown.set(key, entry);
    panel.onDidDispose(() => shown.delete(key));
  } else entry.panel.reveal(undefined, true);
  await refresh(entry);
}

/** Draw anew. Of several that run at a time, the last that was asked for is shown. */
async function refresh(entry: Shown): Promise<void> {
  const turn = ++entry.turn;
  const made = await page(entry.kind, command(), entry.file.fsPath, entry.net);
  if (turn !== entry.turn || ![...shown.values()].includes(entry)) return;
  entry.panel.webview.options = { enableScripts: made.scripts, localResourceRoots: [] };
  entry.panel.webview.html = made.html;
}

async function build(uri?: string, net?: string): Promise<void> {
  const about = meant(uri, net);
  if (about === undefined) return;
  const [program, ...args] = command();
  const chosen = about.net === undefined ? [] : ["--net", about.net];
  const run = new vscode.ProcessExecution(program ?? "dslc", [...args, "build", about.file.fsPath, ...chosen], {
    cwd: dirname(about.file.fsPath),
  });
  const task = new vscode.Task({ type: "dslc" }, vscode.TaskScope.Workspace, `build ${about.net ?? ""}`, "dslc", run);
  await vscode.tasks.executeTask(task);
}
