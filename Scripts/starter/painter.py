"""The painter: SDXL's two text encoders and UNet, very small, and how they are put on one disk layout."""
import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from optimiser import use_fast_norms
from workplace import CANVAS

FIRST_WIDTH, SECOND_WIDTH = 64, 96
SIZE_WIDTH = 32          # of the embedding of each of SDXL's six size numbers


def make_encoder(kind: type, width: int, heads: int, activation: str, vocabulary: int, padding: int) -> nn.Module:
    """One text encoder, started for its width: CLIP's deviations suit 768 channels and would bury the words here."""
    model = kind(CLIPTextConfig(
        hidden_size=width, intermediate_size=4 * width, num_hidden_layers=2, num_attention_heads=heads, hidden_act=activation,
        projection_dim=width, vocab_size=vocabulary, max_position_embeddings=77, pad_token_id=padding,
        bos_token_id=vocabulary - 2, eos_token_id=vocabulary - 1))
    for name, parameter in model.named_parameters():
        if "token_embedding" in name:
            nn.init.normal_(parameter, std=0.2)
        elif "position_embedding" in name:
            nn.init.normal_(parameter, std=0.02)
        elif parameter.dim() == 2:
            nn.init.normal_(parameter, std=parameter.shape[1] ** -0.5)
    return model


def make_unet() -> UNet2DConditionModel:
    unet = UNet2DConditionModel(
        sample_size=CANVAS // 8, block_out_channels=(64, 64, 96), layers_per_block=1, norm_num_groups=16,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=(1, 1, 1), attention_head_dim=(2, 2, 3), use_linear_projection=True,
        cross_attention_dim=FIRST_WIDTH + SECOND_WIDTH, addition_embed_type="text_time", addition_time_embed_dim=SIZE_WIDTH,
        projection_class_embeddings_input_dim=SECOND_WIDTH + 6 * SIZE_WIDTH)
    unet.set_attn_processor(AttnProcessor())        # at 64 positions plain products beat fused attention by a fifth
    return use_fast_norms(unet).to(memory_format=torch.channels_last)


class Painter(nn.Module):
    """Both text encoders and the UNet, trained as one."""

    def __init__(self, vocabulary: int):
        super().__init__()
        end = vocabulary - 1
        self.first = make_encoder(CLIPTextModel, FIRST_WIDTH, 2, "quick_gelu", vocabulary, padding=end)
        self.second = make_encoder(CLIPTextModelWithProjection, SECOND_WIDTH, 3, "gelu", vocabulary, padding=0)
        self.unet = make_unet()

    def read(self, first_tokens: torch.Tensor, second_tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """SDXL's two conditions: both encoders' next-to-last layers side by side, and the second one's summary."""
        first = self.first(first_tokens, output_hidden_states=True).hidden_states[-2]
        second = self.second(second_tokens, output_hidden_states=True)
        return torch.cat([first, second.hidden_states[-2]], -1), second.text_embeds

    def forward(self, noisy, times, first_tokens, second_tokens, blank):
        """The predicted velocity; `blank` marks the pictures whose conditions are zeros, SDXL's missing negative prompt."""
        hidden, summary = self.read(first_tokens, second_tokens)
        hidden = hidden.masked_fill(blank[:, None, None], 0)
        summary = summary.masked_fill(blank[:, None], 0)
        sizes = torch.tensor([CANVAS, CANVAS, 0, 0, CANVAS, CANVAS], dtype=torch.float32).expand(len(noisy), 6)
        return self.unet(noisy, times, hidden, added_cond_kwargs={"text_embeds": summary, "time_ids": sizes}).sample


def noise_levels() -> torch.Tensor:
    """SDXL's schedule: how much of the picture's variance is left at each of the 1000 times."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64).square()
    return (1 - betas).cumprod(0).float()
