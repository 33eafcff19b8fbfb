/* libsrtp2 alone. Arguments: the suite (gcm or cm), the number of bursts. Compiled by the benchmark
 * with -lsrtp2.
 *
 * Seals and opens packets of one source in bursts and prints its version and the nanoseconds that a
 * packet took each way, as this thread's processor time.
 *
 * With 0 bursts it does what it is asked on its standard input instead: a letter (s: seal, o: open),
 * a length of two octets, big endian, and a packet. It answers with a length and a packet; with
 * length 0 when libsrtp2 refuses. */
#include <srtp2/srtp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The same as in src/srtp.rs. */
enum { BURST = 64, HEADER = 12, PAYLOAD = 1200, WINDOW = 1024 };

static double spent(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * 1e9 + now.tv_nsec;
}

static srtp_t end(const char *suite, srtp_ssrc_type_t direction)
{
    static unsigned char key[64];
    srtp_policy_t policy;
    srtp_t made;
    for (int i = 0; i < (int)sizeof key; i++)
        key[i] = i;
    memset(&policy, 0, sizeof policy);
    if (!strcmp(suite, "gcm")) {
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
    } else {
        srtp_crypto_policy_set_rtp_default(&policy.rtp);
        srtp_crypto_policy_set_rtcp_default(&policy.rtcp);
    }
    policy.ssrc.type = direction;
    policy.key = key;
    policy.window_size = WINDOW;
    if (srtp_create(&made, &policy)) {
        fprintf(stderr, "libsrtp2 has no %s\n", suite);
        exit(1);
    }
    return made;
}

static int answer(srtp_t seal, srtp_t open)
{
    static unsigned char packet[65536 + SRTP_MAX_TRAILER_LEN];
    unsigned char asked[3];
    while (fread(asked, 1, 3, stdin) == 3) {
        int length = asked[1] << 8 | asked[2];
        if (fread(packet, 1, length, stdin) != (size_t)length)
            return 6;
        if (asked[0] == 's' ? srtp_protect(seal, packet, &length)
                            : srtp_unprotect(open, packet, &length))
            length = 0;
        putchar(length >> 8);
        putchar(length & 255);
        fwrite(packet, 1, length, stdout);
        fflush(stdout);
    }
    return 0;
}

int main(int count, char **words)
{
    static unsigned char packets[BURST][HEADER + PAYLOAD + SRTP_MAX_TRAILER_LEN];
    static int lengths[BURST];
    double sealing = 0, opening = 0;
    unsigned sequence = 0;
    if (count != 3 || srtp_init())
        return 2;
    long bursts = atol(words[2]);
    srtp_t seal = end(words[1], ssrc_any_outbound), open = end(words[1], ssrc_any_inbound);
    if (!bursts)
        return answer(seal, open);
    for (long burst = 0; burst < bursts; burst++) {
        for (int i = 0; i < BURST; i++, sequence++) {
            memset(packets[i], 0x55, sizeof packets[i]);
            memset(packets[i], 0, HEADER);
            packets[i][0] = 0x80;
            packets[i][1] = 96;
            packets[i][2] = sequence >> 8;
            packets[i][3] = sequence;
            lengths[i] = HEADER + PAYLOAD;
        }
        double begun = spent();
        for (int i = 0; i < BURST; i++)
            if (srtp_protect(seal, packets[i], &lengths[i]))
                return 3;
        double sealed = spent();
        for (int i = 0; i < BURST; i++)
            if (srtp_unprotect(open, packets[i], &lengths[i]))
                return 4;
        opening += spent() - sealed;
        sealing += sealed - begun;
        for (int i = 0; i < BURST; i++)
            if (lengths[i] != HEADER + PAYLOAD || packets[i][HEADER] != 0x55)
                return 5;
    }
    printf("%s %f %f\n", srtp_get_version_string(), sealing / (bursts * BURST),
           opening / (bursts * BURST));
    return 0;
}
