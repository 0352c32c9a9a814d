# %%
t_c <- c(0.5, 14, 15, 28, 11, 8, 3, -4, 6, 13, 21)
t_un <- 0.1 * c(35.7, 55.9, 58.2, 81.9, 56.3, 48.9, 33.9, 21.8, 48.4, 60.4, 68.4)

# %%
model <- function(t_u, w, b) w * t_u + b
loss_fn <- function(t_p, t_c) mean((t_p - t_c)^2)
loss_fn(model(t_un, 1, 0), t_c)

# %%
coef(lm(t_c ~ t_un))
