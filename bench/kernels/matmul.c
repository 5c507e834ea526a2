/* Floating point: 96 x 96 products. */
#include "kernel.h"

#define N 96
static double a[N][N], b[N][N], c[N][N];

unsigned run(unsigned n)
{
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            a[i][j] = i + j * 0.5;
            b[i][j] = i * 0.25 - j;
        }
    }
    while (n--) {
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < N; j++) {
                double sum = 0;
                for (int k = 0; k < N; k++) {
                    sum += a[i][k] * b[k][j];
                }
                c[i][j] = sum;
            }
        }
        a[n % N][0] = c[N - 1][n % N] * 1e-6;
    }
    return (unsigned)(long long)(c[N - 1][N - 1] + c[1][2]);
}
