/* A client of libcurl for what the curl command of Debian 12 cannot do: HTTP/3
 * and WebSocket. It prints what comes as it comes, and is used as
 *
 *   peer h3 CA URL [METHOD BODY] [HEADER...]   the answer, its head first
 *   peer ws CA URL LINE                        sends LINE; each message as a line
 *
 * CA is the one certificate file that is trusted. It exits with 0 if the other
 * side ended in good order, a WebSocket with 1001, "going away". */
#include <curl/curl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *what, CURLcode code) {
  fprintf(stderr, "%s: %s\n", what, curl_easy_strerror(code));
  exit(1);
}

static void must(const char *what, CURLcode code) {
  if (code != CURLE_OK)
    fail(what, code);
}

/* print is a CURLOPT_WRITEFUNCTION: stdout is not to hold anything back. */
static size_t print(char *data, size_t size, size_t n, void *to) {
  (void)to;
  size_t took = fwrite(data, size, n, stdout);
  return fflush(stdout) == 0 ? took * size : 0;
}

static CURL *open_url(const char *ca, const char *url) {
  CURL *c = curl_easy_init();
  if (c == NULL)
    fail("init", CURLE_FAILED_INIT);
  must("url", curl_easy_setopt(c, CURLOPT_URL, url));
  must("ca", curl_easy_setopt(c, CURLOPT_CAINFO, ca));
  must("ca", curl_easy_setopt(c, CURLOPT_CAPATH, NULL));
  must("write", curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, print));
  must("proxy", curl_easy_setopt(c, CURLOPT_NOPROXY, "*"));
  return c;
}

static void h3(CURL *c, int n, char **args) {
  struct curl_slist *headers = NULL;
  must("HTTP/3, which this libcurl may not have (see .ci/setup)", curl_easy_setopt(c, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_3ONLY));
  must("head", curl_easy_setopt(c, CURLOPT_HEADER, 1L));
  if (n >= 2) {
    must("method", curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, args[0]));
    if (args[1][0] != '\0')
      must("body", curl_easy_setopt(c, CURLOPT_POSTFIELDS, args[1]));
  }
  for (int i = 2; i < n; i++)
    headers = curl_slist_append(headers, args[i]);
  must("headers", curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers));
  must("perform", curl_easy_perform(c));
  curl_slist_free_all(headers);
}

/* ws follows a WebSocket until its close frame. */
static void ws(CURL *c, const char *line) {
  char buf[65536];
  size_t n;
  const struct curl_ws_frame *frame;
  curl_socket_t fd;

  must("connect only", curl_easy_setopt(c, CURLOPT_CONNECT_ONLY, 2L));
  must("connect", curl_easy_perform(c));
  must("socket", curl_easy_getinfo(c, CURLINFO_ACTIVESOCKET, &fd));
  printf("HTTP/1.1 101\n\n"); /* what CURLOPT_CONNECT_ONLY has checked */
  fflush(stdout);
  must("send", curl_ws_send(c, line, strlen(line), &n, 0, CURLWS_TEXT));
  for (;;) {
    CURLcode code = curl_ws_recv(c, buf, sizeof buf, &n, &frame);
    if (code == CURLE_AGAIN) {
      struct pollfd p = {.fd = fd, .events = POLLIN};
      poll(&p, 1, -1);
      continue;
    }
    must("receive", code);
    if (frame->flags & CURLWS_CLOSE) {
      int why = n < 2 ? 1005 : (unsigned char)buf[0] << 8 | (unsigned char)buf[1];
      if (why == 1001)
        return;
      fprintf(stderr, "closed with %d %.*s\n", why, n < 2 ? 0 : (int)n - 2, buf + 2);
      exit(1);
    }
    if (!(frame->flags & CURLWS_TEXT))
      continue; /* libcurl answers pings */
    fwrite(buf, 1, n, stdout);
    if (frame->bytesleft == 0 && !(frame->flags & CURLWS_CONT))
      putchar('\n');
    fflush(stdout);
  }
}

int main(int argc, char **argv) {
  if (argc < 4)
    return 2;
  must("global init", curl_global_init(CURL_GLOBAL_DEFAULT));
  CURL *c = open_url(argv[2], argv[3]);
  if (strcmp(argv[1], "h3") == 0)
    h3(c, argc - 4, argv + 4);
  else if (strcmp(argv[1], "ws") == 0 && argc == 5)
    ws(c, argv[4]);
  else
    return 2;
  curl_easy_cleanup(c);
  curl_global_cleanup();
  return 0;
}
