//! As much of HTTP/1.1 as a scraper needs: `GET /metrics` is answered, everything else refused, the
//! connection closed. Lengths, times and the number of connections are bounded.

use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The longest head of a request. Prometheus sends some 300 octets.
const LONGEST_HEAD: usize = 8 * 1024;

/// Connections at once. A scraper or two and a person with curl; more wait in the backlog.
const MOST_CONNECTIONS: usize = 8;

/// How long one scrape may take from its first octet to its last: Prometheus gives up after ten.
const PATIENCE: Duration = Duration::from_secs(10);

/// One scrape: the page goes here.
pub type Scrape = oneshot::Sender<String>;

/// Answers scrapes until `stop` is cancelled. The receiver gets one [`Scrape`] for each; when its
/// channel is full, the next scrape waits.
pub fn serve(
    listener: TcpListener,
    tasks: &TaskTracker,
    stop: CancellationToken,
) -> mpsc::Receiver<Scrape> {
    let (scrapes, asked) = mpsc::channel(MOST_CONNECTIONS);
    let accepting = accept(listener, scrapes, tasks.clone(), stop.clone());
    tasks.spawn(async move {
        stop.run_until_cancelled(accepting).await;
    });
    asked
}

async fn accept(
    listener: TcpListener,
    scrapes: mpsc::Sender<Scrape>,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, most likely: those who hold some give them back.
                tracing::warn!(%error, "cannot take a scraper's connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (scrapes, stop) = (scrapes.clone(), stop.clone());
        tasks.spawn(async move {
            let _place = place;
            let conversing = tokio::time::timeout(PATIENCE, converse(stream, scrapes));
            // An error or a time-out is a scraper that went away; nobody is left to tell.
            let _ = stop.run_until_cancelled(conversing).await;
        });
    }
}

async fn converse(mut stream: TcpStream, scrapes: mpsc::Sender<Scrape>) -> std::io::Result<()> {
    let mut head = Vec::with_capacity(1024);
    loop {
        let ended = head.windows(4).any(|four| four == b"\r\n\r\n");
        if ended {
            break;
        }
        if head.len() >= LONGEST_HEAD {
            return answer(&mut stream, "431 Request Header Fields Too Large", "").await;
        }
        let mut chunk = [0; 1024];
        match stream.read(&mut chunk).await? {
            0 => return Ok(()),
            read => head.extend_from_slice(&chunk[..read]),
        }
    }
    let line = head.split(|octet| *octet == b'\r').next().unwrap_or_default();
    let mut words = line.split(|octet| *octet == b' ');
    match (words.next(), words.next()) {
        (Some(b"GET"), Some(path)) if path.split(|o| *o == b'?').next() == Some(b"/metrics") => {
            let (reply, page) = oneshot::channel();
            let page = match scrapes.send(reply).await {
                Ok(()) => page.await.ok(),
                Err(_) => None,
            };
            match page {
                Some(page) => answer(&mut stream, "200 OK", &page).await,
                None => answer(&mut stream, "503 Service Unavailable", "").await,
            }
        }
        (Some(b"GET"), _) => answer(&mut stream, "404 Not Found", "Try /metrics.\n").await,
        _ => answer(&mut stream, "405 Method Not Allowed", "").await,
    }
}

async fn answer(stream: &mut TcpStream, status: &str, body: &str) -> std::io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(request: &[u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let mut asked = serve(listener, &tasks, stop.clone());
        tasks.spawn(async move {
            while let Some(reply) = asked.recv().await {
                reply.send("x 1\n".to_owned()).unwrap();
            }
        });
        let mut stream = TcpStream::connect(address).await.unwrap();
        // It may be refused before it is read to its end.
        let _ = stream.write_all(request).await;
        let mut octets = Vec::new();
        let _ = stream.read_to_end(&mut octets).await;
        stop.cancel();
        tasks.close();
        tasks.wait().await;
        String::from_utf8(octets).unwrap()
    }

    #[tokio::test]
    async fn a_scrape_is_answered_and_anything_else_refused() {
        let page = ask(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(
            page.starts_with("HTTP/1.1 200 OK\r\n") && page.ends_with("\r\n\r\nx 1\n"),
            "{page}"
        );
        assert!(page.contains("Content-Length: 4\r\n"), "{page}");
        assert!(ask(b"GET / HTTP/1.1\r\n\r\n").await.contains(" 404 "));
        assert!(ask(b"POST /metrics HTTP/1.1\r\n\r\n").await.contains(" 405 "));
    }

    #[tokio::test]
    async fn a_head_without_end_is_cut_off() {
        let answer = ask(&vec![b'x'; LONGEST_HEAD]).await;
        assert!(answer.is_empty() || answer.contains(" 431 "), "{answer}");
    }
}
