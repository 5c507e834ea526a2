/* The least there is to call. */
int f(void)
{
    return 0;
}
