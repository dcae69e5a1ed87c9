/// Keys that tools leave in checkpoints and that mean nothing for painting.
enum HarmlessKeys {
    /// - Parameter key: A key in a file's spelling.
    static func contains(_ key: String) -> Bool {
        let last = key.split(separator: ".").last
        // Row numbers of the position table; the scale of CLIP's training loss.
        if last == "position_ids" || last == "logit_scale" { return true }
        // The noise table of training, which the schedule computes itself.
        if key.hasPrefix("denoiser.") || tables.contains(key) { return true }
        return SDXLScheduler.markers.contains(key)
    }

    private static let tables: Set<String> = [
        "alphas_cumprod", "alphas_cumprod_prev", "betas", "log_one_minus_alphas_cumprod", "logvar",
        "posterior_log_variance_clipped", "posterior_mean_coef1", "posterior_mean_coef2",
        "posterior_variance",
        "sqrt_alphas_cumprod", "sqrt_one_minus_alphas_cumprod", "sqrt_recip_alphas_cumprod",
        "sqrt_recipm1_alphas_cumprod",
    ]
}
